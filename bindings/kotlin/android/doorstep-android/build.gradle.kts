// The AAR: façade, adapters, generated code, and the library for each ABI.
import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}

val abis = listOf("arm64-v8a", "armeabi-v7a", "x86_64")
val libraries = layout.buildDirectory.dir("jniLibs").get().asFile
val generated = rootProject.layout.buildDirectory.dir("generated/android").get().asFile

android {
    namespace = "org.doorstep.android"
    compileSdk = libs.versions.compileSdk.get().toInt()
    ndkVersion = libs.versions.ndk.get()
    defaultConfig {
        minSdk = libs.versions.minSdk.get().toInt()
        consumerProguardFiles("consumer-rules.pro")
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
    sourceSets["main"].apply {
        kotlin.srcDir("../../doorstep/src/main/kotlin")
        kotlin.srcDir(generated)
        jniLibs.srcDir(libraries)
    }
    testOptions.unitTests.all { it.useJUnitPlatform() }
}

kotlin {
    compilerOptions.jvmTarget = JvmTarget.JVM_1_8
}

dependencies {
    api(libs.coroutines.android)
    // The AAR of JNA, not its jar: it brings JNA's own library for each ABI.
    implementation(variantOf(libs.jna) { artifactType("aar") })
    // The generated code says which cleaner is of which level.
    compileOnly(libs.annotation)
    testImplementation(libs.kotlin.test.junit5)
    testImplementation(libs.junit)
    testRuntimeOnly(libs.junit.launcher)
}

// Rust for each ABI: needs cargo-ndk and rustup's targets. SQLCipher encrypts the store; its OpenSSL is built along and needs perl.
val rust = tasks.register<Exec>("rust") {
    workingDir(rootProject.file("../.."))
    environment("ANDROID_NDK_HOME", androidComponents.sdkComponents.ndkDirectory.get().asFile.path)
    // The NDK aligns so by itself since r28; said for older ones too, and checked below.
    environment("RUSTFLAGS", "-C link-arg=-Wl,-z,max-page-size=16384 -C link-arg=-Wl,-z,common-page-size=16384")
    val targets = abis.flatMap { listOf("-t", it) }
    commandLine(
        listOf("cargo", "ndk", "--platform", libs.versions.minSdk.get(), "-o", libraries.path) + targets +
            listOf("build", "--release", "--locked", "-p", "doorstep-ffi", "--features", "sqlcipher-vendored"),
    )
    outputs.dir(libraries)
    // Cargo decides what is up to date.
    outputs.upToDateWhen { false }
}

// A library that pages of 16 KB can not load fails the build, not the phone.
val pages = tasks.register<Exec>("pages") {
    dependsOn(rust)
    commandLine(listOf("bash", file("../check-so").path) + abis.map { "$libraries/$it/libdoorstep_ffi.so" })
}

tasks.named("preBuild") {
    dependsOn(":androidBindings", pages)
}
