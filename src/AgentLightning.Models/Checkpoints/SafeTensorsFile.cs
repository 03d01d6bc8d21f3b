using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace AgentLightning.Models.Checkpoints;

/// <summary>
/// The safetensors format (Hugging Face): 8 bytes little-endian header length, a JSON header that names each tensor's type, shape and
/// place, then the data. Values can be had of <c>F32</c>, <c>F16</c>, <c>BF16</c> and <c>I32</c> tensors; others may be in a file, and are
/// an error only when they are asked for.
/// </summary>
/// <remarks>
/// Made in memory and written, read from memory, or opened from disk: then tensors are mapped while they are used, and nothing is held
/// between.
/// </remarks>
public sealed class SafeTensorsFile : IDisposable
{
    private const int LongestHeader = 100_000_000;
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private string _where = "";
    private long _dataStart;
    private byte[]? _content;
    private MemoryMappedFile? _map;

    /// <summary>The string map <c>__metadata__</c>.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>The names of the tensors, in the order of the header.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>Adds a float tensor, which is copied.</summary>
    public void Add(string name, ReadOnlySpan<float> values, params long[] shape) =>
        Add(name, "F32", MemoryMarshal.AsBytes(values).ToArray(), shape);

    /// <summary>Adds an integer tensor, which is copied.</summary>
    public void Add(string name, ReadOnlySpan<int> values, params long[] shape) =>
        Add(name, "I32", MemoryMarshal.AsBytes(values).ToArray(), shape);

    /// <summary>The values of a float tensor; its shape must be the one given.</summary>
    public float[] Singles(string name, params long[] shape) => Values<float>(name, "F32", shape);

    /// <summary>The values of an integer tensor; its shape must be the one given.</summary>
    public int[] Integers(string name, params long[] shape) => Values<int>(name, "I32", shape);

    /// <summary>The shape of a tensor.</summary>
    public IReadOnlyList<long> ShapeOf(string name) => Find(name).Shape;

    /// <summary>The type of a tensor, as the header names it.</summary>
    public string TypeOf(string name) => Find(name).Type;

    /// <summary>Writes header and tensors.</summary>
    public async Task WriteAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        var header = new Dictionary<string, object> { ["__metadata__"] = Metadata };
        long offset = 0;
        foreach (var (name, tensor) in _tensors)
        {
            header[name] = new
            {
                dtype = tensor.Type,
                shape = tensor.Shape,
                data_offsets = new[] { offset, offset + tensor.Length },
            };
            offset += tensor.Length;
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(header);
        // The data begins at a multiple of 8, as the format asks; blanks fill the header up.
        var padded = new byte[(json.Length + 7) / 8 * 8];
        padded.AsSpan().Fill((byte)' ');
        json.CopyTo(padded, 0);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, padded.Length);
        await stream.WriteAsync(length, cancellationToken).ConfigureAwait(false);
        await stream.WriteAsync(padded, cancellationToken).ConfigureAwait(false);
        foreach (var tensor in _tensors.Values)
        {
            await tensor.Write!(stream, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Reads a whole file. Anything that does not fit together is an <see cref="InvalidDataException"/> that says what.</summary>
    public static SafeTensorsFile Read(ReadOnlySpan<byte> content)
    {
        var file = new SafeTensorsFile();
        var headerLength = file.HeaderLength(content, content.Length);
        file.ReadHeader(content.Slice(8, headerLength).ToArray(), content.Length - 8 - headerLength);
        (file._content, file._dataStart) = (content.ToArray(), 8 + headerLength);
        return file;
    }

    /// <summary>
    /// Opens a file on disk. Anything that does not fit together is an <see cref="InvalidDataException"/> that names the file and says
    /// what.
    /// </summary>
    public static SafeTensorsFile Open(string path)
    {
        var file = new SafeTensorsFile { _where = $"{path}: " };
        using var stream = File.OpenRead(path);
        var start = new byte[8];
        var headerLength = file.HeaderLength(start.AsSpan(0, stream.ReadAtLeast(start, 8, throwOnEndOfStream: false)), stream.Length);
        var header = new byte[headerLength];
        stream.ReadExactly(header);
        file.ReadHeader(header, stream.Length - 8 - headerLength);
        file._dataStart = 8 + headerLength;
        file._map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        return file;
    }

    /// <inheritdoc/>
    public void Dispose() => _map?.Dispose();

    /// <summary>Adds a tensor whose <paramref name="length"/> bytes are written when the file is.</summary>
    internal void Add(string name, string type, long[] shape, long length, Func<Stream, CancellationToken, Task> write)
    {
        if (BytesOf(type, shape) != length)
        {
            throw new ArgumentException(
                $"Tensor '{name}' of shape [{string.Join(", ", shape)}] needs {BytesOf(type, shape)} bytes of {type}, but there are "
                    + $"{length}."
            );
        }

        _tensors.Add(name, new Tensor(type, shape, 0, length, write));
    }

    /// <summary>Calls <paramref name="use"/> with the bytes of a tensor, which are mapped for that long.</summary>
    internal unsafe void Use(string name, Action<nint> use)
    {
        var tensor = Find(name);
        if (tensor.Length == 0)
        {
            use(0);
        }
        else if (_map is null)
        {
            fixed (byte* data = &_content![_dataStart + tensor.Start])
            {
                use((nint)data);
            }
        }
        else
        {
            using var view = _map.CreateViewAccessor(_dataStart + tensor.Start, tensor.Length, MemoryMappedFileAccess.Read);
            byte* data = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref data);
            try
            {
                use((nint)(data + view.PointerOffset));
            }
            finally
            {
                view.SafeMemoryMappedViewHandle.ReleasePointer();
            }
        }
    }

    private void Add(string name, string type, byte[] data, long[] shape) =>
        Add(name, type, shape, data.Length, (stream, cancellationToken) => stream.WriteAsync(data, cancellationToken).AsTask());

    private int HeaderLength(ReadOnlySpan<byte> start, long fileLength)
    {
        if (start.Length < 8)
        {
            throw Invalid($"A safetensors file has at least 8 bytes, but this has {start.Length}.");
        }

        var length = BinaryPrimitives.ReadInt64LittleEndian(start);
        return length is >= 2 and <= LongestHeader && length <= fileLength - 8
            ? (int)length
            : throw Invalid(
                $"The header says that it has {length} bytes, but the file has {fileLength - 8} after it. It is cut off, or not a "
                    + $"safetensors file."
            );
    }

    private void ReadHeader(byte[] json, long dataLength)
    {
        try
        {
            using var header = JsonDocument.Parse(json);
            foreach (var entry in header.RootElement.EnumerateObject())
            {
                if (entry.NameEquals("__metadata__"))
                {
                    foreach (var pair in entry.Value.EnumerateObject())
                    {
                        Metadata[pair.Name] = pair.Value.GetString() ?? "";
                    }
                }
                else
                {
                    ReadEntry(entry, dataLength);
                }
            }
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or IndexOutOfRangeException)
        {
            throw new InvalidDataException($"{_where}The header is not that of a safetensors file: {e.Message}", e);
        }

        CheckOverlap();
    }

    private void ReadEntry(JsonProperty entry, long dataLength)
    {
        var type = entry.Value.GetProperty("dtype").GetString() ?? "";
        long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        var offsets = entry.Value.GetProperty("data_offsets");
        long start = offsets[0].GetInt64(),
            end = offsets[1].GetInt64();
        if (start < 0 || end < start || end > dataLength || (SizeOf(type) > 0 && end - start != BytesOf(type, shape)))
        {
            throw Invalid(
                $"Tensor '{entry.Name}' of type {type} and shape [{string.Join(", ", shape)}] should lie at bytes {start} to {end} of "
                    + $"{dataLength}, which does not fit."
            );
        }

        if (!_tensors.TryAdd(entry.Name, new Tensor(type, shape, start, end - start, null)))
        {
            throw Invalid($"Tensor '{entry.Name}' is in the header twice.");
        }
    }

    private void CheckOverlap()
    {
        (string Name, long End) before = ("", 0);
        foreach (var (name, tensor) in _tensors.Where(pair => pair.Value.Length > 0).OrderBy(pair => pair.Value.Start))
        {
            if (tensor.Start < before.End)
            {
                throw Invalid(
                    $"Tensors '{before.Name}' and '{name}' overlap: one ends at byte {before.End}, the other begins at {tensor.Start}."
                );
            }

            before = (name, tensor.Start + tensor.Length);
        }
    }

    private unsafe T[] Values<T>(string name, string type, long[] shape)
        where T : unmanaged
    {
        var tensor = Find(name);
        if (tensor.Type != type || !tensor.Shape.AsSpan().SequenceEqual(shape))
        {
            throw Invalid(
                $"Tensor '{name}' should be {type} [{string.Join(", ", shape)}], but it is {tensor.Type} "
                    + $"[{string.Join(", ", tensor.Shape)}]."
            );
        }

        var values = new T[tensor.Length / sizeof(T)];
        Use(name, data => new ReadOnlySpan<T>((void*)data, values.Length).CopyTo(values));
        return values;
    }

    private Tensor Find(string name) =>
        _tensors.TryGetValue(name, out var tensor)
            ? tensor
            : throw Invalid($"There is no tensor '{name}'. There is: {string.Join(", ", _tensors.Keys.Take(20))}.");

    private InvalidDataException Invalid(string message) => new(_where + message);

    private static int SizeOf(string type) =>
        type switch
        {
            "F64" or "I64" or "U64" => 8,
            "F32" or "I32" or "U32" => 4,
            "F16" or "BF16" or "I16" or "U16" => 2,
            "I8" or "U8" or "BOOL" or "F8_E4M3" or "F8_E5M2" => 1,
            _ => 0,
        };

    /// <summary>Bytes of a tensor. Sizes below zero and products beyond any file are mistakes; −1 then matches no data.</summary>
    private static long BytesOf(string type, ReadOnlySpan<long> shape)
    {
        const long Most = 1L << 48;
        long count = 1;
        foreach (var size in shape)
        {
            if (size is < 0 or > Most || (size > 0 && count > Most / size))
            {
                return -1;
            }

            count *= size;
        }

        return count * SizeOf(type);
    }

    private sealed record Tensor(string Type, long[] Shape, long Start, long Length, Func<Stream, CancellationToken, Task>? Write);
}
