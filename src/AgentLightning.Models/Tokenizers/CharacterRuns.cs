using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tokenizers;

/// <summary>
/// Hashes of all runs of characters of a text, sixteen runs at a time: for each first character those of every length. The text stands
/// between two blanks.
/// </summary>
/// <remarks>Reuses its buffers and allocates nothing after warm-up.</remarks>
internal sealed unsafe class CharacterRuns(int shortest, int longest)
{
    private const int Lanes = 16;
    private ushort[] _text = new ushort[512];
    private uint[] _hashes = new uint[1024];

    /// <summary>
    /// First characters that a run can have: the blank before the text, and all up to where the shortest run ends with the blank behind it.
    /// </summary>
    public static int StartsOf(int length, int shortest) => length == 0 ? 0 : Math.Max(0, length - shortest + 3);

    /// <summary>
    /// Hash of the run of <c>shortest + i</c> characters from start s on at [s · lengths + i]; those that reach beyond the text mean
    /// nothing.
    /// </summary>
    public ReadOnlySpan<uint> Hash(ReadOnlySpan<char> text, uint group)
    {
        var (starts, lengths) = (StartsOf(text.Length, shortest), longest - shortest + 1);
        var padded = starts + Lanes;
        if (_text.Length < padded + longest + Lanes)
        {
            _text = new ushort[2 * (padded + longest + Lanes)];
        }

        if (_hashes.Length < padded * lengths)
        {
            _hashes = new uint[2 * padded * lengths];
        }

        _text[0] = _text[text.Length + 1] = ' ';
        System.Runtime.InteropServices.MemoryMarshal.Cast<char, ushort>(text).CopyTo(_text.AsSpan(1));
        var lanes = stackalloc uint[Lanes];
        fixed (ushort* characters = _text)
        fixed (uint* hashes = _hashes)
        {
            for (var s = 0; s < starts; s += Lanes)
            {
                var hash = Vector512.Create(2166136261u);
                for (var n = 1; n <= longest; n++)
                {
                    var sixteen = Vector256.Load(characters + s + n - 1);
                    hash =
                        (hash ^ Vector512.Create(Vector256.WidenLower(sixteen), Vector256.WidenUpper(sixteen)))
                        * Vector512.Create(16777619u);
                    if (n >= shortest)
                    {
                        Mix(hash, group + (256u * (uint)n)).Store(lanes);
                        var to = hashes + (s * lengths) + n - shortest;
                        for (var lane = 0; lane < Lanes; lane++)
                        {
                            to[lane * lengths] = lanes[lane];
                        }
                    }
                }
            }
        }

        return _hashes.AsSpan(0, starts * lengths);
    }

    /// <summary>As <see cref="NGramHasher"/> spreads the hash of a word.</summary>
    private static Vector512<uint> Mix(Vector512<uint> hash, uint salt)
    {
        hash ^= Vector512.Create(salt * 0x85EBCA6B);
        hash = (hash ^ (hash >> 16)) * Vector512.Create(0x85EBCA6B);
        hash = (hash ^ (hash >> 13)) * Vector512.Create(0xC2B2AE35);
        return hash ^ (hash >> 16);
    }
}
