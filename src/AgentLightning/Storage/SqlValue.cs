using System.Data;

namespace AgentLightning.Storage;

/// <summary>
/// A parameter's value with the type that it has even when it is NULL: PostgreSQL refuses <c>@agent IS NULL OR …</c> unless it is told what
/// @agent would be.
/// </summary>
internal readonly record struct SqlValue(DbType Type, object? Value)
{
    public static implicit operator SqlValue(string? value) => new(DbType.String, value);

    public static implicit operator SqlValue(int value) => new(DbType.Int32, value);

    public static implicit operator SqlValue(long value) => new(DbType.Int64, value);

    public static implicit operator SqlValue(long? value) => new(DbType.Int64, value);

    public static implicit operator SqlValue(double value) => new(DbType.Double, value);

    public static implicit operator SqlValue(double? value) => new(DbType.Double, value);

    public static implicit operator SqlValue(byte[] value) => new(DbType.Binary, value);
}
