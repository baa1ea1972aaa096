// The package for a plain JVM: a jar for servers, scripts and an app's unit tests. The library's folder is given by jna.library.path.
plugins {
    alias(libs.plugins.kotlin.jvm)
}

kotlin {
    jvmToolchain(17)
    sourceSets.main {
        kotlin.srcDir(rootProject.layout.buildDirectory.dir("generated/jvm"))
    }
    // The suite needs a server and the README's blocks: `run` does it.
    sourceSets.test {
        kotlin.setSrcDirs(emptyList<File>())
    }
}

dependencies {
    api(libs.coroutines.core)
    implementation(libs.jna)
}

tasks.compileKotlin {
    dependsOn(":jvmBindings")
}
