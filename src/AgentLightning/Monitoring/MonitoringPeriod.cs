using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Monitoring;

/// <summary>UTC days, both included: 1 to 366 of them.</summary>
public sealed record MonitoringPeriod
{
    public const int MostDays = 366;

    private const int UsualDays = 30;

    public MonitoringPeriod(DateOnly start, DateOnly end)
    {
        if (start > end)
        {
            throw LightningException.Invalid($"start must not be after end, but it is {Text(start)}, and end is {Text(end)}.");
        }

        (Start, End) = (start, end);
        if (Days > MostDays)
        {
            throw LightningException.Invalid(
                $"A period must have from 1 to {MostDays} days, but from {Text(start)} to {Text(end)} there are {Days}."
            );
        }
    }

    public DateOnly Start { get; }

    public DateOnly End { get; }

    public int Days => End.DayNumber - Start.DayNumber + 1;

    /// <summary>The last days up to and with today.</summary>
    public static MonitoringPeriod Last(int days, TimeProvider time)
    {
        if (days is < 1 or > MostDays)
        {
            throw LightningException.Invalid($"days must be from 1 to {MostDays}, but it is {days}.");
        }

        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        return new MonitoringPeriod(today.AddDays(1 - days), today);
    }

    /// <summary>
    /// Reads the ends as a day (<c>2026-01-31</c>) or as a time, of which the UTC day is taken. Without an end it is today, without a start
    /// the period has 30 days.
    /// </summary>
    public static MonitoringPeriod Parse(string? start, string? end, TimeProvider time)
    {
        var last = end is null ? DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime) : Day(end, "end");
        return new MonitoringPeriod(
            start is null ? DateOnly.FromDayNumber(Math.Max(0, last.DayNumber - UsualDays + 1)) : Day(start, "start"),
            last
        );
    }

    private static DateOnly Day(string text, string name) => DateOnly.FromDateTime(IsoTime.Parse(text, name).UtcDateTime);

    private static string Text(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
