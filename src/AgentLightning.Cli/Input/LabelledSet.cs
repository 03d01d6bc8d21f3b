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
        foreach (var warning in LookAlikes(items))
        {
            Console.Error.WriteLine(warning);
        }

        return labels.Count switch
        {
            0 => throw LightningException.Invalid("The data has no rows. Give a file with labelled rows."),
            1 => throw LightningException.Invalid(
                $"The data has only one label, '{labels[0]}', in {items.Count} rows. Learning to tell labels apart needs at least two."
            ),
            _ => labels,
        };
    }

    /// <summary>A warning for each set of labels that differ only in case or blanks: two classes where people see one.</summary>
    public static IEnumerable<string> LookAlikes(IEnumerable<LabelledItem> items) =>
        items
            .CountBy(item => item.Label)
            .GroupBy(
                label => string.Join(' ', label.Key.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)),
                StringComparer.OrdinalIgnoreCase
            )
            .Where(alike => alike.Count() > 1)
            .Select(alike =>
            {
                var named = alike
                    .OrderBy(label => label.Key, StringComparer.Ordinal)
                    .Select(label => $"'{label.Key}' ({label.Value} rows)");
                return $"warning: the labels {string.Join(" and ", named)} differ only in case or blanks, and are learned as "
                    + "different labels. Write them alike where they mean the same.";
            });

    /// <summary>The items in an order that the seed fixes.</summary>
    public static IReadOnlyList<LabelledItem> Shuffled(IEnumerable<LabelledItem> items, long seed)
    {
        var order = items.ToArray();
        new SeededRandom(seed, 0xDA7A).Shuffle<LabelledItem>(order);
        return order;
    }
}
