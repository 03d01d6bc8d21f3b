namespace AgentLightning.Storage;

/// <summary>Pieces of a content one after another, each fetched when the one before was read.</summary>
/// <param name="fetch">Gives a piece by its number from 1 on; null after the last.</param>
internal sealed class PieceStream(byte[] first, Func<int, CancellationToken, Task<byte[]?>> fetch) : Stream
{
    private ReadOnlyMemory<byte> _left = first;
    private int _part;
    private bool _ended;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_left.IsEmpty && !_ended)
        {
            var next = await fetch(++_part, cancellationToken).ConfigureAwait(false);
            _ended = next is null;
            _left = next;
        }

        var count = Math.Min(buffer.Length, _left.Length);
        _left[..count].CopyTo(buffer);
        _left = _left[count..];
        return count;
    }

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
