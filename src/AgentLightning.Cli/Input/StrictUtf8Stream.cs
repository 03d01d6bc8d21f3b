using System.Globalization;
using System.Text;
using System.Text.Unicode;
using AgentLightning.Common;

namespace AgentLightning.Cli.Input;

/// <summary>
/// Passes bytes on and stops at the first that are not UTF-8: read on, they would become signs of replacement, and what stood there would
/// be gone without a word.
/// </summary>
internal sealed class StrictUtf8Stream(Stream inner, string path) : Stream
{
    private const int LongestRune = 4;

    /// <summary>The first bytes of a character of which the rest has not been read yet.</summary>
    private readonly byte[] _begun = new byte[LongestRune];
    private int _begunCount;
    private long _line = 1;
    private long _byteInLine = 1;

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

    public override int Read(Span<byte> buffer)
    {
        var count = inner.Read(buffer);
        Check(buffer[..count], atEnd: count == 0 && buffer.Length > 0);
        return count;
    }

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Check(ReadOnlySpan<byte> bytes, bool atEnd)
    {
        while (_begunCount > 0 && (bytes.Length > 0 || atEnd))
        {
            if (!atEnd)
            {
                _begun[_begunCount++] = bytes[0];
                bytes = bytes[1..];
            }

            switch (Rune.DecodeFromUtf8(_begun.AsSpan(0, _begunCount), out _, out _))
            {
                case System.Buffers.OperationStatus.Done:
                    _byteInLine += _begunCount;
                    _begunCount = 0;
                    break;
                case System.Buffers.OperationStatus.NeedMoreData when !atEnd:
                    break;
                default:
                    throw Wrong(_begun[0]);
            }
        }

        if (Utf8.IsValid(bytes))
        {
            Advance(bytes);
            return;
        }

        var at = 0;
        while (at < bytes.Length)
        {
            switch (Rune.DecodeFromUtf8(bytes[at..], out _, out var length))
            {
                case System.Buffers.OperationStatus.Done:
                    at += length;
                    break;
                case System.Buffers.OperationStatus.NeedMoreData:
                    Advance(bytes[..at]);
                    _begunCount = bytes.Length - at;
                    bytes[at..].CopyTo(_begun);
                    return;
                default:
                    Advance(bytes[..at]);
                    throw Wrong(bytes[at]);
            }
        }
    }

    private void Advance(ReadOnlySpan<byte> bytes)
    {
        var lines = bytes.Count((byte)'\n');
        _line += lines;
        _byteInLine = lines == 0 ? _byteInLine + bytes.Length : bytes.Length - bytes.LastIndexOf((byte)'\n');
    }

    private LightningException Wrong(byte seen) =>
        LightningException.Invalid(
            string.Create(CultureInfo.InvariantCulture, $"'{path}', line {_line}, byte {_byteInLine} of it: 0x{seen:X2} is not UTF-8. ")
                + TextFile.AdviceOnEncoding
        );
}
