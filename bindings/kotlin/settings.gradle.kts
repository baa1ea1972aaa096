// Not built here: Android's Gradle plugin is in no package archive that the checks have. `android/check` type-checks what it would compile, and
// `run` tests the JVM's half.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "doorstep-kotlin"
include(":doorstep", ":doorstep-android", ":courier")
project(":doorstep-android").projectDir = file("android/doorstep-android")
project(":courier").projectDir = file("android/courier")
