using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops;

/// <summary>
/// Examples in a new random order each time through. Which one comes at a place depends on the seed and the place only, so that a run can
/// begin anywhere.
/// </summary>
internal sealed class ExampleOrder<T>(IReadOnlyList<T> examples, long seed)
{
    private readonly int[] _order = new int[examples.Count];
    private long _round = -1;

    public void Fill(long place, Span<T> batch)
    {
        foreach (ref var example in batch)
        {
            if (place / _order.Length != _round)
            {
                _round = place / _order.Length;
                for (var i = 0; i < _order.Length; i++)
                {
                    _order[i] = i;
                }

                new SeededRandom(seed, _round).Shuffle<int>(_order);
            }

            example = examples[_order[place++ % _order.Length]];
        }
    }
}
