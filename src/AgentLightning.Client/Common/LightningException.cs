namespace AgentLightning.Common;

/// <summary>What kind of mistake an error is; the server turns it into a status, the command line into an exit code.</summary>
public enum ErrorKind
{
    /// <summary>The request cannot be right: a value out of range, a missing part.</summary>
    Invalid,

    /// <summary>The caller is known, and may not see or change what the request names.</summary>
    Forbidden,

    /// <summary>What the request names does not exist.</summary>
    NotFound,

    /// <summary>The request does not fit the present state.</summary>
    Conflict,

    /// <summary>Something it needs cannot serve now; the same request may succeed later.</summary>
    Unavailable,

    /// <summary>Stored content is not what was stored.</summary>
    Corrupt,
}

/// <summary>
/// An error for the person or program that asked. The message says what is wrong, the value seen and how to fix it, and holds nothing
/// secret.
/// </summary>
public sealed class LightningException(ErrorKind kind, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    public ErrorKind Kind { get; } = kind;

    public static LightningException Invalid(string message) => new(ErrorKind.Invalid, message);

    public static LightningException Forbidden(string message) => new(ErrorKind.Forbidden, message);

    public static LightningException NotFound(string message) => new(ErrorKind.NotFound, message);

    public static LightningException Conflict(string message) => new(ErrorKind.Conflict, message);
}
