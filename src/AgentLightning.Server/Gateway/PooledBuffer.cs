using System.Buffers;

namespace AgentLightning.Server.Gateway;

/// <summary>Bytes that grow, in an array that is lent and given back.</summary>
internal sealed class PooledBuffer(int capacity = 4096) : IBufferWriter<byte>, IDisposable
{
    private byte[] _bytes = LentBytes.Rent(capacity);

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public Span<byte> Span => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Grow(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
    }

    public void DropFirst(int count)
    {
        Span[count..].CopyTo(_bytes);
        Length -= count;
    }

    public void Dispose()
    {
        var bytes = _bytes;
        (_bytes, Length) = ([], 0);
        if (bytes.Length > 0)
        {
            LentBytes.Return(bytes);
        }
    }

    private void Grow(int more)
    {
        if (_bytes.Length - Length >= more)
        {
            return;
        }

        var larger = LentBytes.Rent(Math.Max(_bytes.Length * 2, Length + more));
        Span.CopyTo(larger);
        if (_bytes.Length > 0)
        {
            LentBytes.Return(_bytes);
        }

        _bytes = larger;
    }
}
