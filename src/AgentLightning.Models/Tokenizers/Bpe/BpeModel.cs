using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace AgentLightning.Models.Tokenizers.Bpe;

/// <summary>The model "BPE" of tokenizer.json: pieces become symbols, and symbols merge by rank.</summary>
/// <remarks>Safe for many threads at once.</remarks>
internal sealed class BpeModel
{
    private const char Meta = '\u2581';
    private readonly BpeVocabulary _vocabulary;
    private readonly bool _bytes;
    private readonly bool _splitsAtMeta;
    private readonly PieceCache _cache = new();

    /// <param name="bytes">Whether symbols are bytes in the alphabet of <see cref="ByteAlphabet"/>, and not characters.</param>
    public BpeModel(BpeVocabulary vocabulary, bool bytes)
    {
        _vocabulary = vocabulary;
        _bytes = bytes;
        // No token goes on across the blank before a word: then words can be merged, and remembered, one by one.
        _splitsAtMeta =
            !bytes
            && !vocabulary.IgnoreMerges
            && vocabulary.IdOf(Meta.ToString()) is not null
            && vocabulary.MergedTokens.All(token => !CrossesMeta(token));
    }

    public void Encode(ReadOnlySpan<char> piece, List<int> output)
    {
        if (!_splitsAtMeta)
        {
            EncodeOne(piece, output);
            return;
        }

        while (!piece.IsEmpty)
        {
            var end = 0;
            while (end < piece.Length && piece[end] == Meta)
            {
                end++;
            }

            var word = piece[end..].IndexOf(Meta);
            end = word < 0 ? piece.Length : end + word;
            EncodeOne(piece[..end], output);
            piece = piece[end..];
        }
    }

    private static bool CrossesMeta(string token)
    {
        var at = token.LastIndexOf(Meta);
        return at > 0 && token.AsSpan(0, at).IndexOfAnyExcept(Meta) >= 0;
    }

    private void EncodeOne(ReadOnlySpan<char> piece, List<int> output)
    {
        var remembered = piece.Length <= PieceCache.LongestPiece;
        var slot = 0;
        if (remembered)
        {
            slot = PieceCache.SlotOf(piece);
            if (_cache.Find(piece, slot) is { } known)
            {
                if (known.Length == 1)
                {
                    output.Add(known[0]);
                }
                else
                {
                    output.AddRange(known.AsSpan());
                }

                return;
            }
        }

        var from = output.Count;
        Compute(piece, output);
        if (remembered)
        {
            _cache.Keep(piece, slot, CollectionsMarshal.AsSpan(output)[from..]);
        }
    }

    private void Compute(ReadOnlySpan<char> piece, List<int> output)
    {
        var most = Encoding.UTF8.GetMaxByteCount(piece.Length);
        var symbols = ArrayPool<int>.Shared.Rent(most);
        var bytes = ArrayPool<byte>.Shared.Rent(most);
        try
        {
            var length = Encoding.UTF8.GetBytes(piece, bytes);
            if (
                _vocabulary.IgnoreMerges
                && _vocabulary.IdOf(_bytes ? ByteAlphabet.Write(bytes.AsSpan(0, length)) : piece.ToString()) is { } whole
            )
            {
                output.Add(whole);
                return;
            }

            var count = _bytes ? FromBytes(bytes.AsSpan(0, length), symbols) : FromCharacters(piece, symbols);
            count = Merger.Merge(symbols.AsSpan(0, count), _vocabulary.Merges);
            output.AddRange(symbols.AsSpan(0, count));
        }
        finally
        {
            ArrayPool<int>.Shared.Return(symbols);
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private int FromBytes(ReadOnlySpan<byte> bytes, int[] symbols)
    {
        var count = 0;
        foreach (var value in bytes)
        {
            var id = _vocabulary.IdOfByteCharacter(value);
            count = id >= 0 ? Put(symbols, count, id) : PutUnknown(symbols, count, $"the byte 0x{value:X2}");
        }

        return count;
    }

    private int FromCharacters(ReadOnlySpan<char> piece, int[] symbols)
    {
        var count = 0;
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in piece.EnumerateRunes())
        {
            if (_vocabulary.IdOf(rune) is var id and >= 0)
            {
                count = Put(symbols, count, id);
                continue;
            }

            var fallback = bytes[..rune.EncodeToUtf8(bytes)];
            if (_vocabulary.ByteFallback && AllFallBack(fallback))
            {
                foreach (var value in fallback)
                {
                    count = Put(symbols, count, _vocabulary.IdOfFallback(value));
                }
            }
            else
            {
                count = PutUnknown(symbols, count, $"'{rune}' (U+{rune.Value:X4})");
            }
        }

        return count;
    }

    private bool AllFallBack(ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            if (_vocabulary.IdOfFallback(value) < 0)
            {
                return false;
            }
        }

        return true;
    }

    private static int Put(int[] symbols, int count, int id)
    {
        symbols[count] = id;
        return count + 1;
    }

    private int PutUnknown(int[] symbols, int count, string what)
    {
        var unknown = _vocabulary.UnknownId
            ?? throw new InvalidDataException($"The vocabulary has no token for {what}, and no unknown token. Its text would be lost.");
        return _vocabulary.FuseUnknown && count > 0 && symbols[count - 1] == unknown ? count : Put(symbols, count, unknown);
    }
}
