"""An SMSC for the gateway's tests on the codec of PyPI smpp34 (a library in Rust), driven by lines of JSON.

    python smsc.py [--tls CERT.pem KEY.pem] [--password WORD] [--receipts none|early|auto] [--ids dec|hex|padded]

Listens on 127.0.0.1 at a free port. Lines in and out, and what the options mean: tests/README.md.

What is independent here is the codec of submit_sm, deliver_sm and of every head. The server of smpp34 1.5.0 is not used: from
Python it accepts any password, has no TLS, does not tell its port, hands out neither a PDU's bytes nor its validity period,
and can neither keep silent (a message nobody answers is refused) nor cut. Binds and answers are built here by hand.

Where it differs from smsc.mjs, as SMSCs do: bind_resp has no sc_interface_version, a refused submit_sm is answered with an
empty message_id instead of no body.

What has no bound receiver waits for one. A deliver_sm that is not answered is not sent again.
"""
import argparse
import asyncio
import collections
import datetime
import json
import os
import re
import ssl
import struct
import sys

import smpp34

BINDS = {1: ("bind_receiver", "receive"), 2: ("bind_transmitter", "send"), 9: ("bind_transceiver", "both")}
SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK, GENERIC_NACK, RESPONSE = 0x04, 0x05, 0x06, 0x15, 0x80000000, 0x80000000
INVALID_COMMAND, WRONG_STATE, ALREADY_BOUND, INVALID_PASSWORD = 0x03, 0x04, 0x05, 0x0E
STATUS = {"ok": 0, "throttle": 0x58, "queue_full": 0x14, "refuse": 0x0B, "silent": None, "cut_before": None, "cut_after": None}
LONGEST = 16 * 1024     # bytes of one PDU


def say(**event):
    print(json.dumps(event), flush=True)


def fail(why):
    print(f"smsc.py: {why}", file=sys.stderr, flush=True)
    os._exit(2)


def minute():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%y%m%d%H%M")


class Session:
    """One connection."""

    def __init__(self, peer, reader, writer):
        self.peer, self.reader, self.writer = peer, reader, writer
        self.mode = None            # send, receive, both: once bound
        self.system_id = None
        self.sequence = 0
        self.asked = {}             # sequence number -> what to do with the answer's status
        self.gone = False

    def receives(self):
        return self.mode in ("receive", "both")

    def send(self, command, status, sequence, body=b""):
        self.writer.write(struct.pack(">IIII", 16 + len(body), command, status, sequence) + body)

    def ask(self, then, command=None, pdu=None):
        """Sends a request with a number of its own; `pdu` makes one of the codec's from the number."""
        self.sequence += 1
        self.asked[self.sequence] = then
        if pdu:
            self.writer.write(pdu(self.sequence).encode())
        else:
            self.send(command, 0, self.sequence)

    def cut(self):
        self.mode, self.gone = None, True
        self.writer.transport.abort()

    def close(self):
        self.mode, self.gone = None, True
        self.writer.close()

    async def run(self):
        try:
            while not self.gone:
                head = await self.reader.readexactly(4)
                length = struct.unpack(">I", head)[0]
                if not 16 <= length <= LONGEST:
                    raise smpp34.SmppError(f"a length of {length}")
                data = head + await self.reader.readexactly(length - 4)
                self.peer.drain()
                if not self.gone:
                    self.take(data, smpp34.decode(data))
        except smpp34.SmppError as error:
            print(f"smsc.py: not a pdu: {error}", file=sys.stderr, flush=True)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            if not self.gone:
                self.cut()
            self.peer.sessions.remove(self)
            say(event="close")

    def take(self, data, pdu):
        command, sequence = pdu.command_id, pdu.sequence_number
        if command & RESPONSE:
            then = self.asked.pop(sequence, None)
            if then:
                then(pdu.command_status)
        elif command in BINDS:
            self.bind(pdu)
        elif command == SUBMIT_SM:
            self.submit(data, pdu)
        elif command == ENQUIRE_LINK:
            say(event="enquire_link")
            self.send(command | RESPONSE, 0, sequence)
        elif command == UNBIND:
            say(event="unbind")
            self.send(command | RESPONSE, 0, sequence)
            self.close()
        else:
            self.send(GENERIC_NACK, INVALID_COMMAND, sequence)

    def bind(self, pdu):
        name, mode = BINDS[pdu.command_id]
        fields = pdu.body.split(b"\0", 2)
        if len(fields) < 3:
            raise smpp34.SmppError("a bind without its fields")
        system_id, password = (field.decode("ascii", "replace") for field in fields[:2])
        already = self.mode is not None
        ok = not already and password == self.peer.options.password
        say(event="bind", command=name, system_id=system_id, ok=ok)
        answer = pdu.command_id | RESPONSE
        if not ok:
            self.send(answer, ALREADY_BOUND if already else INVALID_PASSWORD, pdu.sequence_number)
            return
        self.mode, self.system_id = mode, system_id
        self.send(answer, 0, pdu.sequence_number, b"peer\0")
        self.peer.retry()

    def submit(self, data, pdu):
        def answer(status, message_id=""):
            self.send(SUBMIT_SM | RESPONSE, status, pdu.sequence_number, message_id.encode() + b"\0")

        if len(pdu.encode()) != len(data):      # the codec does not mind a rest behind the last field
            raise smpp34.SmppError("its lengths do not fit")
        peer = self.peer
        if self.mode not in ("send", "both"):
            answer(WRONG_STATE)
            return
        word = peer.answers.popleft() if peer.answers else "ok"
        if word == "cut_before":
            self.cut()
            return
        status = STATUS[word]
        message_id = None if status else peer.number()
        say(event="submit", message_id=message_id, source_addr=pdu.source_addr, destination_addr=pdu.destination_addr,
            esm_class=pdu.esm_class, data_coding=pdu.data_coding, registered_delivery=pdu.registered_delivery,
            validity_period=pdu.validity_period, short_message=pdu.short_message.hex(), status=status, pdu=data.hex())
        if message_id:
            peer.messages[message_id] = (self, self.system_id, pdu.source_addr, pdu.destination_addr, minute())
        if word == "silent":
            return
        if word == "cut_after":
            self.cut()
            return
        if status:
            answer(status)
            return
        wanted = pdu.registered_delivery & 3 == 1
        if wanted and peer.options.receipts == "early":
            peer.receipt(message_id, "DELIVRD", "000")
        answer(0, message_id)
        if wanted and peer.options.receipts == "auto":
            peer.receipt(message_id, "DELIVRD", "000")


class Peer:
    """The SMSC: its connections, and what it has taken."""

    def __init__(self, options):
        self.options = options
        self.sessions = []                      # in the order of their connecting
        self.answers = collections.deque()      # for the next messages
        self.messages = {}                      # taken ones, by the id that was given
        self.waiting = []                       # for a receiver: (session, system_id, send)
        self.rest = b""                         # of a line of stdin
        self.last = 16                          # the first is 17: spelled otherwise in hexadecimal

    def number(self):
        self.last += 1
        return str(self.last)

    def spelled(self, message_id):
        if not re.fullmatch("[0-9]+", message_id):
            return message_id
        return {"dec": message_id, "hex": f"{int(message_id):x}", "padded": message_id.rjust(10, "0")}[self.options.ids]

    async def accept(self, reader, writer):
        session = Session(self, reader, writer)
        self.sessions.append(session)
        await session.run()

    def hand(self, session, system_id, send):
        """At once, or as soon as somebody is bound to receive: that session, one of the same system_id, or (None) any."""
        able = [s for s in self.sessions if s.receives() and (system_id is None or s.system_id == system_id)]
        if able:
            send(session if session in able else able[-1])
        else:
            self.waiting.append((session, system_id, send))

    def retry(self):
        waiting, self.waiting = self.waiting, []
        for entry in waiting:
            self.hand(*entry)

    def deliver(self, what, message_id, session, system_id, source, destination, message, **fields):
        def answered(status):
            say(event="deliver_resp", what=what, message_id=message_id, status=status)

        def pdu(sequence):
            return smpp34.DeliverSm(source, destination, message, source_addr_ton=1, source_addr_npi=1, dest_addr_npi=1,
                                    sequence_number=sequence, **fields)

        self.hand(session, system_id, lambda to: to.ask(answered, pdu=pdu))

    def receipt(self, message_id, stat, err):
        now = minute()
        session, system_id, source, destination, submitted = self.messages.get(message_id, (None, None, "", "", now))
        text = (f"id:{self.spelled(message_id)} sub:001 dlvrd:001 submit date:{submitted} done date:{now} "
                f"stat:{stat} err:{err} text:")
        self.deliver("receipt", message_id, session, system_id, destination, source, text.encode("ascii"), esm_class=0x04)

    def inbound(self, source, destination, text):
        # Only what ASCII and the GSM alphabet spell alike goes in the default alphabet: the rest is read in two ways.
        plain = re.fullmatch(r"[\n\r !\"#%&'()*+,\-./0-9:;<=>?A-Za-z]*", text)
        message = text.encode("ascii" if plain else "utf-16-be")
        if len(message) > 254:
            fail("inbound: longer than one short_message holds")
        self.deliver("inbound", None, None, None, source, destination, message, data_coding=0 if plain else 8)

    def drain(self):
        """What a test wrote before it made the client send is done before that PDU is looked at."""
        try:
            while chunk := os.read(0, 1 << 16):
                *lines, self.rest = (self.rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        self.order(line)
        except BlockingIOError:
            return
        os._exit(0)

    def order(self, line):
        """Does what one line says."""
        try:
            order = json.loads(line)
        except ValueError:
            fail("a line that is not json")
        what = order.get("do")
        if what == "next":
            for answer in order["answers"]:
                if answer not in STATUS:
                    fail(f"no such answer: {answer}")
            self.answers.extend(order["answers"])
        elif what == "receipt":
            self.receipt(str(order["message_id"]), order["stat"], order["err"])
        elif what == "inbound":
            self.inbound(order["from"], order["to"], order["text"])
        elif what == "unbind":
            for session in self.sessions:
                if session.mode:
                    session.mode = None
                    session.ask(lambda _, session=session: session.close(), UNBIND)
                else:
                    session.close()
        elif what == "cut":
            for session in self.sessions:
                session.cut()
        elif what == "enquire_link":
            for session in self.sessions:
                if session.mode:
                    session.ask(lambda _: say(event="enquire_link_resp"), ENQUIRE_LINK)
        elif what == "quit":
            os._exit(0)     # at once, whatever connections are open
        else:
            fail(f"no such thing to do: {what}")


async def main():
    options = argparse.ArgumentParser(allow_abbrev=False)
    options.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    options.add_argument("--password", default="secret")
    options.add_argument("--receipts", choices=["none", "early", "auto"], default="none")
    options.add_argument("--ids", choices=["dec", "hex", "padded"], default="dec")
    options = options.parse_args()
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
    peer = Peer(options)
    # A client that does not trust the certificate gets no session and makes no event, and no noise either.
    asyncio.get_running_loop().set_exception_handler(lambda loop, about: None if isinstance(about.get("exception"), OSError)
                                                     else loop.default_exception_handler(about))
    server = await asyncio.start_server(peer.accept, "127.0.0.1", 0, ssl=context)
    say(event="listening", port=server.sockets[0].getsockname()[1])
    os.set_blocking(0, False)
    try:
        asyncio.get_running_loop().add_reader(0, peer.drain)
    except PermissionError:
        peer.drain()        # a file, which nobody can wait for
    await asyncio.Event().wait()        # drain ends the program


asyncio.run(main())
