// A small courier app with plain views: what an app does with the façade and the adapters.
import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "org.doorstep.courier"
    compileSdk = libs.versions.compileSdk.get().toInt()
    defaultConfig {
        applicationId = "org.doorstep.courier"
        minSdk = libs.versions.minSdk.get().toInt()
        targetSdk = libs.versions.compileSdk.get().toInt()
        versionCode = 1
        versionName = "1.0"
    }
    buildTypes.getByName("release") {
        // With R8 on: what an app's rules lack shows in a release build only.
        isMinifyEnabled = true
        proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
    testOptions.unitTests.all { it.useJUnitPlatform() }
}

kotlin {
    compilerOptions.jvmTarget = JvmTarget.JVM_1_8
}

dependencies {
    implementation(project(":doorstep-android"))
    testImplementation(libs.kotlin.test.junit5)
    testImplementation(libs.junit)
    testRuntimeOnly(libs.junit.launcher)
}
