using System.Numerics;

namespace AgentLightning.Datasets.Building;

/// <summary>A set of hashes, 8 bytes for each place.</summary>
/// <param name="most">How many will come; more are taken too.</param>
internal sealed class SeenHashes(int most)
{
    private ulong[] _places = new ulong[BitOperations.RoundUpToPowerOf2((uint)Math.Max(most, 1_000) * 4 / 3 + 4)];
    private int _count;

    /// <summary>False when it was there already.</summary>
    public bool Add(ulong hash)
    {
        hash = hash == 0 ? 1 : hash;
        if ((_count + 1) * 4L > _places.Length * 3L)
        {
            var before = _places;
            _places = new ulong[before.Length * 2];
            foreach (var old in before)
            {
                if (old != 0)
                {
                    Put(old);
                }
            }
        }

        return Put(hash);

        bool Put(ulong value)
        {
            for (var i = (int)(value & (ulong)(_places.Length - 1)); ; i = (i + 1) & (_places.Length - 1))
            {
                if (_places[i] == value)
                {
                    return false;
                }

                if (_places[i] == 0)
                {
                    _places[i] = value;
                    _count += value == hash ? 1 : 0;
                    return true;
                }
            }
        }
    }
}
