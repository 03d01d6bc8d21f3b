namespace AgentLightning.Common;

/// <summary>Record ids: ours are UUIDv7, which sort by time; a client may give its own, which then is an idempotency key.</summary>
public static class Ids
{
    /// <summary>Of a name, in characters.</summary>
    public const int LongestName = 200;

    private const int LongestId = 200;

    /// <summary>A new id for a record made at <paramref name="now"/>.</summary>
    public static string New(DateTimeOffset now) => Guid.CreateVersion7(now).ToString("D");

    /// <summary>Checks an id that came from outside: 1 to 200 characters, none of them a control character or a blank.</summary>
    public static string Check(string? id, string name)
    {
        if (string.IsNullOrEmpty(id) || id.Length > LongestId || id.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
        {
            var seen = id is null ? "nothing" : $"'{(id.Length > 40 ? id[..8] + "…" : id)}' ({id.Length} characters)";
            throw LightningException.Invalid($"{name} must be 1 to {LongestId} characters without blanks, but it is {seen}.");
        }

        return id;
    }

    /// <summary>
    /// Checks the id of a record that is to be made: as <see cref="Check"/>, and one that an address can hold. Of the others, as <c>a/b</c>
    /// and <c>..</c>, a client, a proxy or the server makes another address, and the record could never be read or deleted again.
    /// </summary>
    public static string CheckAddressable(string? id, string name)
    {
        Check(id, name);
        if (!IsAddressable(id!))
        {
            var seen = id!.Length > 40 ? id[..8] + "…" : id;
            throw LightningException.Invalid(
                $"{name} must not hold a slash or a backslash, nor be of dots alone, because it is a part of addresses, but it is '{seen}'."
            );
        }

        return id!;
    }

    /// <summary>Whether an id can be a part of an address and come out as it was.</summary>
    public static bool IsAddressable(string id) => id.AsSpan().IndexOfAny('/', '\\') < 0 && id.AsSpan().ContainsAnyExcept('.');

    /// <summary>
    /// Checks a name from outside that is no id of a record, as that of a session is: at most 200 characters, none of them a control
    /// character. Null is none.
    /// </summary>
    public static string? CheckName(string? value, string name) =>
        value is null || (value.Length <= LongestName && !value.Any(char.IsControl))
            ? value
            : throw LightningException.Invalid(
                $"{name} must be at most {LongestName} characters without control characters, but it has {value.Length}."
            );
}
