import DoorstepBindings

/// What the platform gives: an app implements the parts that it has, each has a default where there is none. They are called on threads of
/// the library, must return fast and may throw: what is thrown becomes an error of the call that needed it, without its text.
public struct Platform: Sendable {
    /// The key that signs, in the Secure Enclave; without it, a software key beside the store.
    public var deviceKey: (any DeviceKey)?
    /// The key of the database and the photo files, from the Keychain; without it they are not encrypted by the library.
    public var databaseKey: (any DatabaseKey)?
    /// What network and power are like; without it, unmetered and powered.
    public var connectivity: (any Connectivity)?
    /// Where photos are taken; without it, they have the position that the camera wrote, if any.
    public var location: (any Location)?
    /// The device's clocks; without it, the operating system's.
    public var clock: (any DeviceClock)?
    /// The phone's way to send SMS; without it only head office's gateway sends.
    public var sms: (any SmsPlatform)?

    /// The parts that the app has.
    public init(
        deviceKey: (any DeviceKey)? = nil, databaseKey: (any DatabaseKey)? = nil, connectivity: (any Connectivity)? = nil,
        location: (any Location)? = nil, clock: (any DeviceClock)? = nil, sms: (any SmsPlatform)? = nil
    ) {
        self.deviceKey = deviceKey
        self.databaseKey = databaseKey
        self.connectivity = connectivity
        self.location = location
        self.clock = clock
        self.sms = sms
    }
}
