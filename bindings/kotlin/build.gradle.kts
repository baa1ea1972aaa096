plugins {
    alias(libs.plugins.android.library) apply false
    alias(libs.plugins.android.application) apply false
    alias(libs.plugins.kotlin.android) apply false
    alias(libs.plugins.kotlin.jvm) apply false
}

// As everywhere in this repository, what is built is below the target folder.
val workspace = layout.projectDirectory.dir("../..")
val target = System.getenv("CARGO_TARGET_DIR")?.let(::File) ?: workspace.dir("target").asFile
allprojects {
    layout.buildDirectory = target.resolve("gradle/$name")
}

// Generated from the host's library, by the generator of the same lock file: library and Kotlin code can not differ. One text serves all
// ABIs; the JVM and Android differ in the cleaner only.
val hostLibrary = tasks.register<Exec>("hostLibrary") {
    workingDir(workspace)
    commandLine("cargo", "build", "--locked", "-p", "doorstep-ffi", "--features", "bindgen")
}
for ((flavour, config) in mapOf("jvm" to file("jvm.toml"), "android" to file("android/android.toml"))) {
    tasks.register<Exec>("${flavour}Bindings") {
        dependsOn(hostLibrary)
        workingDir(workspace)
        val generated = layout.buildDirectory.dir("generated/$flavour")
        inputs.file(config)
        outputs.dir(generated)
        // Cargo decides what of the library is up to date; generating takes a second.
        outputs.upToDateWhen { false }
        val (prefix, suffix) = when {
            "mac" in System.getProperty("os.name").lowercase() -> "lib" to "dylib"
            "windows" in System.getProperty("os.name").lowercase() -> "" to "dll"
            else -> "lib" to "so"
        }
        commandLine(
            "$target/debug/uniffi-bindgen", "generate", "$target/debug/${prefix}doorstep_ffi.$suffix",
            "--config", config.path, "--language", "kotlin", "--out-dir", generated.get().asFile.path, "--no-format",
        )
    }
}
