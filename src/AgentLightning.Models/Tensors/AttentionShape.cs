using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// Where things lie in the row of a token, [queries | keys | values] × heads × <paramref name="HeadWidth"/>: several query heads share one
/// head of keys and values.
/// </summary>
internal readonly record struct AttentionShape(int Heads, int KeyValueHeads, int HeadWidth)
{
    /// <summary>Query heads per key and value head.</summary>
    public int Group => Heads / KeyValueHeads;

    /// <summary>Numbers in the row of a token.</summary>
    public int RowWidth => (Heads + (2 * KeyValueHeads)) * HeadWidth;

    /// <summary>Numbers that attention gives per token.</summary>
    public int OutputWidth => Heads * HeadWidth;

    public float Scale => 1 / MathF.Sqrt(HeadWidth);

    /// <summary>Panels of 32 that the numbers of a head fill.</summary>
    public int HeadPanels => PanelMatrix.PanelsOf(HeadWidth);

    public int Query(int head) => head * HeadWidth;

    public int Key(int keyValueHead) => (Heads + keyValueHead) * HeadWidth;

    public int Value(int keyValueHead) => (Heads + KeyValueHeads + keyValueHead) * HeadWidth;

    /// <summary>
    /// Turns the scores of one query into weights in place: softmax over the first <paramref name="valid"/>, zero up to
    /// <paramref name="count"/>. Returns ln Σ e^score.
    /// </summary>
    public unsafe float Softmax(float* scores, int valid, int count)
    {
        var max = Vector512.Create(float.NegativeInfinity);
        for (var j = 0; j < valid; j += Lanes.Count)
        {
            // Beyond the valid ones lie scores too, of keys that come later: they are read, but not as a maximum.
            var value = Vector512.Load(scores + j);
            max = Vector512.Max(max, Vector512.ConditionalSelect(Lanes.Below(valid - j), value, max));
        }

        var top = Lanes.Max(max);
        var scale = Scale;
        var sum = Vector512<float>.Zero;
        for (var j = 0; j < valid; j += Lanes.Count)
        {
            var e = Lanes.Exp((Vector512.Load(scores + j) - Vector512.Create(top)) * scale) & Lanes.Below(valid - j);
            e.Store(scores + j);
            sum += e;
        }

        var total = Vector512.Sum(sum);
        var inverse = 1 / total;
        for (var j = 0; j < valid; j += Lanes.Count)
        {
            (Vector512.Load(scores + j) * inverse).Store(scores + j);
        }

        for (var j = (valid + Lanes.Count - 1) / Lanes.Count * Lanes.Count; j < count; j++)
        {
            scores[j] = 0;
        }

        return (top * scale) + MathF.Log(total);
    }
}
