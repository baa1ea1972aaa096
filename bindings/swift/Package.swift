// swift-tools-version: 6.0
import Foundation
import PackageDescription

let here = Context.packageDirectory
let isAssembled = FileManager.default.fileExists(atPath: "\(here)/Sources/DoorstepFFI/module.modulemap")
let framework = Context.environment["DOORSTEP_XCFRAMEWORK"] ?? "DoorstepFFI.xcframework"

// The library: the one that `run` built; else an XCFramework in this folder, or where DOORSTEP_XCFRAMEWORK says (below this folder); else
// the one of a release, which fills in its address and checksum here.
let library: Target =
    if isAssembled {
        .systemLibrary(name: "DoorstepFFI")
    } else if FileManager.default.fileExists(atPath: "\(here)/\(framework)") {
        .binaryTarget(name: "DoorstepFFI", path: framework)
    } else {
        .binaryTarget(name: "DoorstepFFI", url: "https://TO-BE-FILLED-IN-BY-A-RELEASE.invalid/DoorstepFFI.xcframework.zip", checksum: "TO-BE-FILLED-IN-BY-A-RELEASE")
    }

let package = Package(
    name: "Doorstep",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "Doorstep", targets: ["Doorstep"])],
    targets: [
        library,
        // Generated: its helpers do not compile in Swift 6 mode.
        .target(name: "DoorstepBindings", dependencies: ["DoorstepFFI"], swiftSettings: [.swiftLanguageMode(.v5)]),
        .target(name: "Doorstep", dependencies: ["DoorstepBindings"]),
    ],
    swiftLanguageModes: [.v6]
)

// What only `run` has: the suite, and the programs that it starts.
if isAssembled {
    package.targets += [
        .executableTarget(name: "doorstep-victim", dependencies: ["Doorstep"]),
        .executableTarget(name: "doorstep-quick-start", dependencies: ["Doorstep"]),
        .executableTarget(name: "doorstep-bench", dependencies: ["Doorstep", "DoorstepWorld"]),
        .target(name: "DoorstepWorld", path: "Tests/DoorstepWorld"),
        .testTarget(name: "DoorstepTests", dependencies: ["Doorstep", "DoorstepWorld"]),
    ]
}
