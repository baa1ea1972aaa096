// how a text is cut into SMS, by a counter that nobody here wrote (npm sms-segments-calculator, encoding auto, smart encoding off)
//   node segments.mjs                 a json string or {"text":"..."} a line in, {"encoding","units","segments"} a line out
//   node segments.mjs --check FILE    FILE is segments.json: fails if this counter says something else than is written there
// units are septets or units of 16 bits. this counter never cuts a grapheme cluster; 3GPP TS 23.040 (9.2.3.24.1) forbids only to
// cut an escape sequence or a character, a surrogate pair being one. segments.json says where that makes a difference.
import fs from 'node:fs'
import calculator from 'sms-segments-calculator'

const count = text => {
  const message = new calculator.SegmentedMessage(text, 'auto', false)
  const gsm7 = message.getEncodingName() === 'GSM-7'
  // its own numberOfCharacters counts graphemes
  return { encoding: gsm7 ? 'gsm7' : 'ucs2', units: message.messageSize / (gsm7 ? 7 : 16), segments: message.segmentsCount }
}

if (process.argv[2] === '--check') {
  const texts = JSON.parse(fs.readFileSync(process.argv[3], 'utf8'))
  const wrong = texts.filter(({ text, encoding, units, segments, counter = { encoding, units, segments } }) =>
    JSON.stringify(count(text)) !== JSON.stringify(counter))
  for (const { name } of wrong) console.log(`differs: ${name}`)
  console.log(`${texts.length} texts, ${wrong.length} differ`)
  process.exitCode = wrong.length || !texts.length ? 1 : 0
} else {
  let rest = ''
  process.stdin.setEncoding('utf8').on('data', chunk => {
    // not by readline, which would break a line at U+2028
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()
    for (const line of lines.filter(line => line.trim())) {
      const value = JSON.parse(line)
      fs.writeSync(1, JSON.stringify(count(typeof value === 'string' ? value : value.text)) + '\n')
    }
  })
}
