using System.Security.Cryptography;

namespace AgentLightning.Storage;

/// <summary>Content whose end is reached only when it is what its id says.</summary>
/// <param name="place">Where it is read, for the message.</param>
internal sealed class CheckedRead(Stream content, string id, string place) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
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

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer) => Seen(buffer, content.Read(buffer));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        return Seen(buffer.Span, count);
    }

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _hash.Dispose();
        content.Dispose();
        base.Dispose(disposing);
    }

    private int Seen(ReadOnlySpan<byte> buffer, int count)
    {
        if (count > 0)
        {
            _hash.AppendData(buffer[..count]);
        }
        else if (buffer.Length > 0 && !_ended)
        {
            _ended = true;
            ArtifactId.Check(id, ArtifactId.OfHash(_hash.GetHashAndReset()), place);
        }

        return count;
    }
}
