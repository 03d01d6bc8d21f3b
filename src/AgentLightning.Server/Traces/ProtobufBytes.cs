using System.Text;

namespace AgentLightning.Server.Traces;

/// <summary>Writes the few fields of protobuf that answers to exporters have.</summary>
internal sealed class ProtobufBytes
{
    private readonly List<byte> _bytes = [];

    public ProtobufBytes Number(int field, ulong value)
    {
        Varint((ulong)field << 3);
        Varint(value);
        return this;
    }

    public ProtobufBytes Text(int field, string text) => Message(field, Encoding.UTF8.GetBytes(text));

    public ProtobufBytes Message(int field, byte[] message)
    {
        Varint(((ulong)field << 3) | 2);
        Varint((ulong)message.Length);
        _bytes.AddRange(message);
        return this;
    }

    public byte[] ToArray() => [.. _bytes];

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            _bytes.Add((byte)(value | 0x80));
        }

        _bytes.Add((byte)value);
    }
}
