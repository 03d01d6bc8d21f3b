using System.Buffers.Binary;
using System.Text;

namespace AgentLightning.Testing;

/// <summary>
/// Writes OTLP requests in protobuf, field by field, without the product's reader: what is read is not what the same hand wrote.
/// </summary>
public static class OtlpBytes
{
    /// <summary>A request with one resource and one scope.</summary>
    public static byte[] Request(string service, string scope, IEnumerable<byte[]> items, params (string Key, object? Value)[] resource)
    {
        (string, object?)[] attributes = [("service.name", service), .. resource];
        byte[] scopeItems = [.. Message(1, [.. Text(1, scope), .. Text(2, "1.0")]), .. items.SelectMany(item => Message(2, item))];
        return Message(1, [.. Message(1, Attributes(1, attributes)), .. Message(2, scopeItems)]);
    }

    /// <param name="trace">Hexadecimal digits.</param>
    /// <param name="start">Milliseconds since 1970.</param>
    public static byte[] Span(
        string trace,
        string span,
        string? parent,
        string name,
        long start,
        double milliseconds,
        (string Key, object? Value)[] attributes,
        IEnumerable<byte[]>? events = null,
        int status = 0,
        string? message = null
    ) =>
        [
            .. Bytes(1, Convert.FromHexString(trace)),
            .. Bytes(2, Convert.FromHexString(span)),
            .. parent is null ? [] : Bytes(4, Convert.FromHexString(parent)),
            .. Text(5, name),
            .. Number(6, 3),
            .. Fixed64(7, (ulong)start * 1_000_000),
            .. Fixed64(8, ((ulong)start * 1_000_000) + (ulong)(milliseconds * 1_000_000)),
            .. Attributes(9, attributes),
            .. (events ?? []).SelectMany(one => Message(11, one)),
            .. Message(15, [.. message is null ? [] : Text(2, message), .. Number(3, (ulong)status)]),
        ];

    public static byte[] Event(string name, long at, params (string Key, object? Value)[] attributes) =>
        [.. Fixed64(1, (ulong)at * 1_000_000), .. Text(2, name), .. Attributes(3, attributes)];

    public static byte[] Log(
        string? trace,
        string? span,
        string name,
        long at,
        object? body,
        params (string Key, object? Value)[] attributes
    ) =>
        [
            .. Fixed64(1, (ulong)at * 1_000_000),
            .. Message(5, Value(body)),
            .. Attributes(6, attributes),
            .. trace is null ? [] : Bytes(9, Convert.FromHexString(trace)),
            .. span is null ? [] : Bytes(10, Convert.FromHexString(span)),
            .. Text(12, name),
        ];

    public static byte[] Attributes(int field, (string Key, object? Value)[] attributes) =>
        [.. attributes.SelectMany(pair => Message(field, [.. Text(1, pair.Key), .. Message(2, Value(pair.Value))]))];

    public static byte[] Value(object? value) =>
        value switch
        {
            null => [],
            string text => Text(1, text),
            bool flag => Number(2, flag ? 1ul : 0),
            int number => Number(3, (ulong)(long)number),
            long number => Number(3, (ulong)number),
            double number => Fixed64(4, BitConverter.DoubleToUInt64Bits(number)),
            byte[] bytes => Bytes(7, bytes),
            (string, object?)[] members => Message(6, Attributes(1, members)),
            System.Collections.IEnumerable items => Message(5, [.. items.Cast<object?>().SelectMany(item => Message(1, Value(item)))]),
            _ => throw new ArgumentException($"No OTLP value for {value.GetType()}."),
        };

    public static byte[] Message(int field, byte[] content) => Bytes(field, content);

    public static byte[] Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    public static byte[] Bytes(int field, byte[] content) =>
        [.. Varint(((ulong)field << 3) | 2), .. Varint((ulong)content.Length), .. content];

    public static byte[] Number(int field, ulong value) => [.. Varint((ulong)field << 3), .. Varint(value)];

    public static byte[] Fixed64(int field, ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return [.. Varint(((ulong)field << 3) | 1), .. bytes];
    }

    private static List<byte> Varint(ulong value)
    {
        var bytes = new List<byte>(10);
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        bytes.Add((byte)value);
        return bytes;
    }
}
