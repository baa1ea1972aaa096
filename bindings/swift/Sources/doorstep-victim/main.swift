// Records a failed delivery, says so, and waits to be killed: FOLDER WAYBILL.
import Doorstep
import Foundation

let doorstep = try await Doorstep.open(ClientConfig(folder: CommandLine.arguments[1]))
try await doorstep.fail(CommandLine.arguments[2], reason: "DF-NOBODY")
FileHandle.standardOutput.write(Data("recorded\n".utf8))
_ = readLine()
