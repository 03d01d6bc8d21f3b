using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace AgentLightning.Models.Checkpoints;

/// <summary>
/// The safetensors format (Hugging Face): 8 bytes little-endian header length, a JSON header that names each tensor's type, shape and place, then the data.
/// Holds <c>F32</c> and <c>I32</c> tensors and the string map <c>__metadata__</c>; other types are an error that names them.
/// </summary>
public sealed class SafeTensorsFile
{
    private const int LongestHeader = 100_000_000;
    private readonly Dictionary<string, (string Type, long[] Shape, byte[] Data)> _tensors = new(StringComparer.Ordinal);

    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    public IReadOnlyCollection<string> Names => _tensors.Keys;

    public void Add(string name, ReadOnlySpan<float> values, params long[] shape) => Add(name, "F32", MemoryMarshal.AsBytes(values), shape);

    public void Add(string name, ReadOnlySpan<int> values, params long[] shape) => Add(name, "I32", MemoryMarshal.AsBytes(values), shape);

    /// <summary>The values of a float tensor; its shape must be the one given.</summary>
    public float[] Singles(string name, params long[] shape) => MemoryMarshal.Cast<byte, float>(Find(name, "F32", shape)).ToArray();

    /// <summary>The values of an integer tensor; its shape must be the one given.</summary>
    public int[] Integers(string name, params long[] shape) => MemoryMarshal.Cast<byte, int>(Find(name, "I32", shape)).ToArray();

    /// <summary>The shape of a tensor.</summary>
    public IReadOnlyList<long> ShapeOf(string name) => _tensors.TryGetValue(name, out var tensor) ? tensor.Shape : throw Missing(name);

    public async Task WriteAsync(Stream stream)
    {
        var header = new Dictionary<string, object> { ["__metadata__"] = Metadata };
        long offset = 0;
        foreach (var (name, tensor) in _tensors)
        {
            header[name] = new { dtype = tensor.Type, shape = tensor.Shape, data_offsets = new[] { offset, offset + tensor.Data.LongLength } };
            offset += tensor.Data.LongLength;
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(header);
        // The data begins at a multiple of 8, as the format asks; blanks fill the header up.
        var padded = new byte[(json.Length + 7) / 8 * 8];
        padded.AsSpan().Fill((byte)' ');
        json.CopyTo(padded, 0);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, padded.Length);
        await stream.WriteAsync(length).ConfigureAwait(false);
        await stream.WriteAsync(padded).ConfigureAwait(false);
        foreach (var tensor in _tensors.Values)
        {
            await stream.WriteAsync(tensor.Data).ConfigureAwait(false);
        }
    }

    /// <summary>Reads a whole file. Anything that does not fit together is an <see cref="InvalidDataException"/> that says what.</summary>
    public static SafeTensorsFile Read(ReadOnlySpan<byte> content)
    {
        if (content.Length < 8)
        {
            throw new InvalidDataException($"A safetensors file has at least 8 bytes, but this has {content.Length}.");
        }

        var headerLength = BinaryPrimitives.ReadInt64LittleEndian(content);
        if (headerLength is < 2 or > LongestHeader || headerLength > content.Length - 8)
        {
            throw new InvalidDataException($"The header says that it has {headerLength} bytes, but the file has {content.Length - 8} after it. It is cut off, or not a safetensors file.");
        }

        try
        {
            using var header = JsonDocument.Parse(content.Slice(8, (int)headerLength).ToArray());
            return Read(header.RootElement, content[(8 + (int)headerLength)..]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new InvalidDataException($"The header is not that of a safetensors file: {e.Message}", e);
        }
    }

    private static SafeTensorsFile Read(JsonElement header, ReadOnlySpan<byte> data)
    {
        var file = new SafeTensorsFile();
        foreach (var entry in header.EnumerateObject())
        {
            if (entry.NameEquals("__metadata__"))
            {
                foreach (var pair in entry.Value.EnumerateObject())
                {
                    file.Metadata[pair.Name] = pair.Value.GetString() ?? "";
                }

                continue;
            }

            var type = entry.Value.GetProperty("dtype").GetString()!;
            if (type is not ("F32" or "I32"))
            {
                throw new InvalidDataException($"Tensor '{entry.Name}' has type {type}; only F32 and I32 can be read here.");
            }

            long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
            var offsets = entry.Value.GetProperty("data_offsets");
            long start = offsets[0].GetInt64(), end = offsets[1].GetInt64();
            if (start < 0 || end < start || end > data.Length || end - start != Count(shape) * 4)
            {
                throw new InvalidDataException($"Tensor '{entry.Name}' of shape [{string.Join(", ", shape)}] should lie at bytes {start} to {end} of {data.Length}, which does not fit.");
            }

            file._tensors[entry.Name] = (type, shape, data[(int)start..(int)end].ToArray());
        }

        return file;
    }

    private void Add(string name, string type, ReadOnlySpan<byte> data, long[] shape)
    {
        if (Count(shape) * 4 != data.Length)
        {
            throw new ArgumentException($"Tensor '{name}' of shape [{string.Join(", ", shape)}] needs {Count(shape)} values, but there are {data.Length / 4}.");
        }

        _tensors.Add(name, (type, shape, data.ToArray()));
    }

    private byte[] Find(string name, string type, long[] shape)
    {
        var tensor = _tensors.TryGetValue(name, out var found) ? found : throw Missing(name);
        return tensor.Type == type && tensor.Shape.AsSpan().SequenceEqual(shape)
            ? tensor.Data
            : throw new InvalidDataException($"Tensor '{name}' should be {type} [{string.Join(", ", shape)}], but it is {tensor.Type} [{string.Join(", ", tensor.Shape)}].");
    }

    /// <summary>Sizes below zero and products beyond a file are mistakes; −1 then matches no data.</summary>
    private static long Count(ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (var size in shape)
        {
            if (size is < 0 or > int.MaxValue)
            {
                return -1;
            }

            count *= size;
            if (count > int.MaxValue)
            {
                return -1;
            }
        }

        return count;
    }

    private InvalidDataException Missing(string name) => new($"There is no tensor '{name}'. There is: {string.Join(", ", _tensors.Keys.Take(20))}.");
}
