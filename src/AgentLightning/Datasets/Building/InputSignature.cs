using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Text;

namespace AgentLightning.Datasets.Building;

/// <summary>
/// What an input says, in 64 bytes: the share of equal bytes of two of them is how much of their different words and pairs of neighbouring
/// words they have in common (Jaccard's coefficient), within 0.05 (standard error). Letters and digits are words, in lower case; a
/// character of a script that writes no blanks is a word by itself. Time grows with the length of the text.
/// </summary>
/// <remarks>
/// MinHash of A. Broder, "On the resemblance and containment of documents", 1997, of which a byte of each minimum is kept (P. Li and A. C.
/// König, "b-bit minwise hashing", 2010).
/// </remarks>
internal sealed class InputSignature
{
    public const int Length = 64;
    private static readonly Vector256<uint>[] s_turns = Draw(0);
    private static readonly Vector256<uint>[] s_factors = Draw(1);
    private readonly Vector256<uint>[] _least = new Vector256<uint>[Length / Vector256<uint>.Count];
    private ulong _word;
    private ulong _before;
    private bool _any;

    public void Begin()
    {
        Array.Fill(_least, Vector256<uint>.AllBitsSet);
        _any = false;
    }

    /// <summary>Adds a message. No word pairs with one of another message.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(ReadOnlySpan<byte> text)
    {
        (_word, _before) = (0, 0);
        for (var i = 0; i < text.Length; )
        {
            var b = text[i];
            if (b < 0x80)
            {
                i++;
                var letter = (uint)((b | 0x20) - 'a') < 26;
                if (letter || (uint)(b - '0') < 10)
                {
                    Extend(letter ? (uint)(b | 0x20) : b);
                }
                else
                {
                    EndWord();
                }
            }
            else
            {
                Rune.DecodeFromUtf8(text[i..], out var rune, out var length);
                i += length;
                AddRune(rune);
            }
        }

        EndWord();
    }

    /// <param name="whole">Stands for an input without words: all of it.</param>
    public void End(ReadOnlySpan<byte> whole, Span<byte> signature)
    {
        if (!_any)
        {
            Take(StableHash.Of(whole));
        }

        for (var i = 0; i < Length; i++)
        {
            // The least ones are small, so that their first bits are alike.
            signature[i] = (byte)((_least[i / 8][i % 8] * 0x9E3779B1) >> 24);
        }
    }

    private void AddRune(Rune rune)
    {
        if (!Rune.IsLetterOrDigit(rune))
        {
            EndWord();
        }
        else if (rune.Value is >= 0x2E80 and < 0xA000 or >= 0xF900 and < 0xFB00 or >= 0x20000)
        {
            EndWord();
            Extend((uint)rune.Value);
            EndWord();
        }
        else
        {
            Extend((uint)Rune.ToLowerInvariant(rune).Value);
        }
    }

    private void Extend(uint character) => _word = (BitOperations.RotateLeft(_word, 5) ^ character) * 0x517CC1B727220A95;

    private void EndWord()
    {
        if (_word == 0)
        {
            return;
        }

        _any = true;
        Take(StableHash.Mix(_word, 0x9E3779B97F4A7C15));
        if (_before != 0)
        {
            Take(StableHash.Mix(_before ^ 0xD6E8FEB86659FD93, _word));
        }

        (_before, _word) = (_word, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Take(ulong part)
    {
        var bits = Vector256.Create((uint)(part ^ (part >> 32)));
        for (var i = 0; i < _least.Length; i++)
        {
            _least[i] = Vector256.Min(_least[i], (bits ^ s_turns[i]) * s_factors[i]);
        }
    }

    /// <summary>Numbers that are the same for ever: signatures of two builds can be compared.</summary>
    private static Vector256<uint>[] Draw(uint odd)
    {
        var state = 0x243F6A8885A308D3UL + odd;
        return
        [
            .. Enumerable
                .Range(0, Length / Vector256<uint>.Count)
                .Select(_ =>
                    Vector256.Create([
                        .. Enumerable
                            .Range(0, Vector256<uint>.Count)
                            .Select(_ => (uint)(state = StableHash.Mix(state + 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93)) | odd),
                    ])
                ),
        ];
    }
}
