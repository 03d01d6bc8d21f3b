using AgentLightning.Common;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Cli.Input;

/// <summary>What is asked of labelled items before anything is learned from them.</summary>
internal static class LabelledSet
{
    /// <summary>The labels, in alphabetical order; fewer than two cannot be told apart.</summary>
    public static IReadOnlyList<string> LabelsOf(IReadOnlyCollection<LabelledItem> items)
    {
        var labels = items.Select(item => item.Label).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        return labels.Count switch
        {
            0 => throw LightningException.Invalid("The data has no rows. Give a file with labelled rows."),
            1 => throw LightningException.Invalid(
                $"The data has only one label, '{labels[0]}', in {items.Count} rows. Learning to tell labels apart needs at least two."
            ),
            _ => labels,
        };
    }

    /// <summary>The items in an order that the seed fixes.</summary>
    public static IReadOnlyList<LabelledItem> Shuffled(IEnumerable<LabelledItem> items, long seed)
    {
        var order = items.ToArray();
        new SeededRandom(seed, 0xDA7A).Shuffle<LabelledItem>(order);
        return order;
    }
}
