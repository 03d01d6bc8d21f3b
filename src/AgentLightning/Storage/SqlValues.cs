using System.Data.Common;
using System.Text.Json;
using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>How values lie in columns: times as microseconds, booleans as 0 and 1, lists and maps as JSON.</summary>
internal static class SqlValues
{
    public static long ToColumn(this DateTimeOffset time) =>
        (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static int ToColumn(this bool value) => value ? 1 : 0;

    public static string? ToJsonColumn<T>(T? value)
        where T : class => value is null ? null : JsonSerializer.Serialize(value, LightningJson.Options);

    /// <summary>A time as it will be read back: whole microseconds, in UTC.</summary>
    public static DateTimeOffset Rounded(this DateTimeOffset time) => FromMicroseconds(time.ToColumn());

    public static string? TextOrNull(this DbDataReader reader, string column) =>
        reader.GetOrdinal(column) is var i && reader.IsDBNull(i) ? null : reader.GetString(i);

    public static string Text(this DbDataReader reader, string column) => reader.GetString(reader.GetOrdinal(column));

    public static double Number(this DbDataReader reader, string column) => reader.GetDouble(reader.GetOrdinal(column));

    public static double? NumberOrNull(this DbDataReader reader, string column) =>
        reader.GetOrdinal(column) is var i && reader.IsDBNull(i) ? null : reader.GetDouble(i);

    public static long Integer(this DbDataReader reader, string column) =>
        Convert.ToInt64(reader.GetValue(reader.GetOrdinal(column)), null);

    public static long? IntegerOrNull(this DbDataReader reader, string column) =>
        reader.IsDBNull(reader.GetOrdinal(column)) ? null : reader.Integer(column);

    public static bool Flag(this DbDataReader reader, string column) => reader.Integer(column) != 0;

    public static bool? FlagOrNull(this DbDataReader reader, string column) =>
        reader.IsDBNull(reader.GetOrdinal(column)) ? null : reader.Flag(column);

    public static DateTimeOffset Time(this DbDataReader reader, string column) => FromMicroseconds(reader.Integer(column));

    public static DateTimeOffset? TimeOrNull(this DbDataReader reader, string column) =>
        reader.IsDBNull(reader.GetOrdinal(column)) ? null : reader.Time(column);

    public static T? JsonOrNull<T>(this DbDataReader reader, string column)
        where T : class => reader.TextOrNull(column) is { } json ? JsonSerializer.Deserialize<T>(json, LightningJson.Options) : null;

    private static DateTimeOffset FromMicroseconds(long value) => DateTimeOffset.UnixEpoch.AddTicks(value * TimeSpan.TicksPerMicrosecond);
}
