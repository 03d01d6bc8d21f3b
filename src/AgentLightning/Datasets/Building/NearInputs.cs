using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AgentLightning.Datasets.Building;

/// <summary>
/// Finds among the inputs that were added one that says nearly the same as another: at least 51 of the 64 bytes of their signatures are
/// equal, which stands for 0.8 of their words. Signatures that share a band of five bytes are compared: of two that have 0.8 in common that
/// misses 1 in 100, of two that have 0.9 1 in 50,000. Some 150 bytes for each input.
/// </summary>
/// <param name="most">How many will come; more are taken too.</param>
internal sealed class NearInputs(int most)
{
    public const int Threshold = 51;
    private const int Bands = 12;
    private const int BytesOfBand = 5;
    private const int Together = 1 << 12;
    private readonly List<byte[]> _signatures = [];
    private readonly List<int[]> _next = [];
    private int[] _first = new int[BitOperations.RoundUpToPowerOf2((uint)Math.Max(most, 500) * (Bands / 2))];
    private int _count;

    public bool IsEmpty => _count == 0;

    public void Add(ReadOnlySpan<byte> signature)
    {
        if (_count % Together == 0)
        {
            _signatures.Add(new byte[Together * InputSignature.Length]);
            _next.Add(new int[Together * Bands]);
        }

        signature.CopyTo(SignatureOf(_count++));
        if (_count * (Bands / 2) > _first.Length)
        {
            _first = new int[_first.Length * 2];
            for (var i = 0; i < _count; i++)
            {
                Link(i);
            }
        }
        else
        {
            Link(_count - 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Contains(ReadOnlySpan<byte> signature)
    {
        for (var band = 0; band < Bands; band++)
        {
            var looked = 0;
            for (var entry = _first[Slot(signature, band)]; entry != 0; entry = NextOf(entry - 1))
            {
                // Where very many share a band they are mostly the same input; the first ones speak for them, and time stays linear.
                var other = SignatureOf((entry - 1) / Bands);
                if (BandOf(other, band) == BandOf(signature, band) && Equals(other, signature) >= Threshold)
                {
                    return true;
                }

                if (++looked == 64)
                {
                    break;
                }
            }
        }

        return false;
    }

    private void Link(int input)
    {
        for (var band = 0; band < Bands; band++)
        {
            var entry = (input * Bands) + band;
            ref var first = ref _first[Slot(SignatureOf(input), band)];
            NextOf(entry) = first;
            first = entry + 1;
        }
    }

    private int Slot(ReadOnlySpan<byte> signature, int band)
    {
        var bits = BandOf(signature, band) + ((ulong)band << (8 * BytesOfBand));
        return (int)(StableHash.Mix(bits, 0x9E3779B97F4A7C15) >> (64 - BitOperations.Log2((uint)_first.Length)));
    }

    private static ulong BandOf(ReadOnlySpan<byte> signature, int band) =>
        BinaryPrimitives.ReadUInt32LittleEndian(signature[(band * BytesOfBand)..]) | ((ulong)signature[(band * BytesOfBand) + 4] << 32);

    private ref int NextOf(int entry) => ref _next[entry / (Together * Bands)][entry % (Together * Bands)];

    private Span<byte> SignatureOf(int input) =>
        _signatures[input / Together].AsSpan(input % Together * InputSignature.Length, InputSignature.Length);

    private static int Equals(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var equal = 0;
        for (var i = 0; i < InputSignature.Length; i += Vector256<byte>.Count)
        {
            equal += BitOperations.PopCount(
                Vector256.Equals(Vector256.Create(left[i..]), Vector256.Create(right[i..])).ExtractMostSignificantBits()
            );
        }

        return equal;
    }
}
