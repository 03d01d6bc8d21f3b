namespace AgentLightning.Models.Tensors;

/// <summary>
/// The memory of one step: taken piece by piece, given back all at once. It grows to what the largest step needs and then asks for nothing
/// more. Memory comes as it is left by the step before, not zeroed.
/// </summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed unsafe class Arena : IDisposable
{
    private const long SmallestChunk = 1 << 20;
    private readonly List<NativeBuffer> _chunks = [];
    private int _chunk;
    private long _used;

    /// <summary>Bytes held, used or not.</summary>
    public long Bytes => _chunks.Sum(chunk => chunk.Bytes);

    /// <summary>Room for <paramref name="count"/> values, at the beginning of a cache line.</summary>
    public T* Take<T>(long count)
        where T : unmanaged
    {
        var bytes = ((count * sizeof(T)) + 63) / 64 * 64;
        while (_chunk < _chunks.Count && _used + bytes > _chunks[_chunk].Bytes)
        {
            (_chunk, _used) = (_chunk + 1, 0);
        }

        if (_chunk == _chunks.Count)
        {
            _chunks.Add(new NativeBuffer(Math.Max(bytes, SmallestChunk), zeroed: false));
        }

        var place = (byte*)_chunks[_chunk].Data + _used;
        _used += bytes;
        return (T*)place;
    }

    public (int Chunk, long Used) Mark() => (_chunk, _used);

    /// <summary>Gives back what was taken after the mark.</summary>
    public void Release((int Chunk, long Used) mark) => (_chunk, _used) = mark;

    /// <summary>Gives everything back.</summary>
    public void Reset() => Release(default);

    public void Dispose()
    {
        _chunks.ForEach(chunk => chunk.Dispose());
        _chunks.Clear();
        Reset();
    }
}
