using System.Globalization;
using System.Text.RegularExpressions;

namespace AgentLightning.Common;

/// <summary>
/// Times as every door takes them: ISO 8601, a day (<c>2026-01-31</c>) or a day and a time (<c>2026-01-31T12:00:00.5Z</c>, with a blank
/// for the <c>T</c> too). A time without a zone is UTC, whatever the zone of the machine. Nothing else is a time: what <c>08/03/2026</c>
/// means depends on who wrote it.
/// </summary>
public static partial class IsoTime
{
    /// <summary>What a time must be, for people.</summary>
    internal const string Expected = $"A time must be in ISO 8601, {Form8601}.";

    private const string Form8601 = "such as 2026-01-31 or 2026-01-31T12:00:00Z (UTC where no zone is given)";

    /// <summary>Reads a moment; of a day, its first. Digits after the seventh of a second are cut off.</summary>
    public static bool TryParse(string? text, out DateTimeOffset time) => TryParse(text, out time, out _);

    /// <summary>Reads a moment, of a day its first; throws <see cref="ErrorKind.Invalid"/>.</summary>
    /// <param name="name">What the caller calls it, for the message.</param>
    public static DateTimeOffset Parse(string text, string name) =>
        TryParse(text, out var time) ? time : throw LightningException.Invalid(Refusal(text, name));

    /// <summary>Where a period begins; null when <paramref name="text"/> is. Throws <see cref="ErrorKind.Invalid"/>.</summary>
    public static DateTimeOffset? Start(string? text, string name) => text is null ? null : Parse(text, name);

    /// <summary>
    /// The first moment past a period; null when <paramref name="text"/> is. A day counts whole: its end is the next midnight. Throws
    /// <see cref="ErrorKind.Invalid"/>.
    /// </summary>
    public static DateTimeOffset? End(string? text, string name) =>
        text is null ? null
        : !TryParse(text, out var time, out var isDay) ? throw LightningException.Invalid(Refusal(text, name))
        : isDay && time < DateTimeOffset.MaxValue.AddDays(-1) ? time.AddDays(1)
        : time;

    /// <summary>Why a text is no time, for people.</summary>
    public static string Refusal(string text, string name) =>
        $"{name} must be a time in ISO 8601, {Form8601}, but it is '{Cut(text)}'."
        + (BlankForPlus().IsMatch(text) ? " In a URL the + of a zone is written %2B." : "");

    private static string Cut(string text) => text.Length <= 50 ? text : text[..50] + "…";

    private static bool TryParse(string? text, out DateTimeOffset time, out bool isDay)
    {
        (time, isDay) = (default, false);
        if (text is null || Form().Match(text) is not { Success: true } match)
        {
            return false;
        }

        isDay = !match.Groups["hour"].Success;
        try
        {
            var local = new DateTime(
                Number("year"),
                Number("month"),
                Number("day"),
                Number("hour"),
                Number("minute"),
                Number("second"),
                DateTimeKind.Unspecified
            );
            var ticks = match.Groups["fraction"] is { Success: true } fraction
                ? long.Parse(fraction.Value.PadRight(7, '0').AsSpan(0, 7), NumberStyles.None, CultureInfo.InvariantCulture)
                : 0;
            var zone = new TimeSpan(Number("zoneHour"), Number("zoneMinute"), 0);
            if (Number("zoneMinute") > 59)
            {
                return false;
            }

            time = new DateTimeOffset(local.AddTicks(ticks), match.Groups["sign"].Value == "-" ? -zone : zone).ToUniversalTime();
            return true;
        }
        catch (ArgumentException)
        {
            // The 30th of February, hour 25, a zone of 20 hours, or before the first year.
            return false;
        }

        int Number(string group) =>
            match.Groups[group] is { Success: true } digits
                ? int.Parse(digits.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture)
                : 0;
    }

    [GeneratedRegex(
        @"^(?<year>[0-9]{4})-(?<month>[0-9]{2})-(?<day>[0-9]{2})"
            + @"(?:[Tt ](?<hour>[0-9]{2}):(?<minute>[0-9]{2})(?::(?<second>[0-9]{2})(?:\.(?<fraction>[0-9]{1,9}))?)?"
            + @"(?:[Zz]|(?<sign>[+-])(?<zoneHour>[0-9]{2})(?::?(?<zoneMinute>[0-9]{2}))?)?)?\z",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant
    )]
    private static partial Regex Form();

    [GeneratedRegex("[0-9] [0-9]{2}:?[0-9]{2}$", RegexOptions.CultureInvariant)]
    private static partial Regex BlankForPlus();
}
