using System.Buffers.Binary;

namespace AgentLightning.Traces.Otlp;

/// <summary>A body, or a part of one, that cannot be read. The message tells what is wrong and quotes nothing of what was sent.</summary>
internal sealed class OtlpFormatException(string message) : Exception(message);

/// <summary>Reads the fields of one protobuf message where they lie: no object for a field, and what is unknown is passed over.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _at;
    private int _wire;

    /// <summary>The number of the field at hand.</summary>
    public int Field { get; private set; }

    /// <summary>Goes to the next field; its value must then be read or skipped. False at the end.</summary>
    public bool Next()
    {
        if (_at == _data.Length)
        {
            return false;
        }

        var tag = Varint();
        (Field, _wire) = ((int)Math.Min(tag >> 3, int.MaxValue), (int)(tag & 7));
        return Field > 0 ? true : throw new OtlpFormatException("a field has the number 0");
    }

    public ulong Number() => _wire == 0 ? Varint() : throw WrongType();

    public ulong Fixed64()
    {
        if (_wire != 1)
        {
            throw WrongType();
        }

        return BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
    }

    /// <summary>A string, bytes or a message.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        if (_wire != 2)
        {
            throw WrongType();
        }

        var length = Varint();
        return length <= (ulong)(_data.Length - _at)
            ? Take((int)length)
            : throw new OtlpFormatException("a field is longer than what holds it");
    }

    public void Skip()
    {
        switch (_wire)
        {
            case 0:
                Varint();
                break;
            case 1:
                Take(8);
                break;
            case 2:
                Bytes();
                break;
            case 5:
                Take(4);
                break;
            default:
                throw WrongType();
        }
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _data.Length - _at)
        {
            throw new OtlpFormatException("it ends in the middle of a field");
        }

        _at += count;
        return _data.Slice(_at - count, count);
    }

    private ulong Varint()
    {
        // Nearly all tags, and most lengths and numbers.
        if (_at < _data.Length && _data[_at] < 0x80)
        {
            return _data[_at++];
        }

        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            var b = Take(1)[0];
            value |= (ulong)(b & 0x7f) << Math.Min(shift, 63);
            if (b < 0x80)
            {
                return value;
            }
        }

        throw new OtlpFormatException("a number is longer than 10 bytes");
    }

    private readonly OtlpFormatException WrongType() => new($"field {Field} has the wrong wire type {_wire}");
}
