namespace AgentLightning.Models.Architectures;

/// <summary>What callers hand in, checked before pointers are made of it.</summary>
internal static class TokenChecks
{
    public static void Batch(TransformerConfig config, ReadOnlySpan<int> tokens, ReadOnlySpan<int> starts, ReadOnlySpan<bool> tails)
    {
        if (tokens.IsEmpty || starts.Length < 2 || starts[0] != 0 || starts[^1] != tokens.Length)
        {
            throw new ArgumentException(
                $"The starts of sequences must go from 0 to the number of tokens, {tokens.Length}, which is at least 1, but they are "
                    + $"[{Brief(starts)}]."
            );
        }

        if (!tails.IsEmpty && (tails.Length != starts.Length - 1 || tails[0]))
        {
            throw new ArgumentException(
                $"There must be one mark per sequence that says whether it is a tail, and the first sequence is none, but for "
                    + $"{starts.Length - 1} sequences there are {tails.Length}, the first is {tails[0]}."
            );
        }

        var before = 0;
        for (var s = 1; s < starts.Length; s++)
        {
            var length = starts[s] - starts[s - 1];
            if (!tails.IsEmpty && tails[s - 1])
            {
                if (length < 1 || length > config.MaxPositions - before)
                {
                    throw new ArgumentException(
                        $"Sequence {s - 1} is a tail of {length} tokens after {before}; there must be 1 or more, and together at most "
                            + $"{config.MaxPositions}, the longest context of this model."
                    );
                }

                continue;
            }

            before = length;
            if (length < 1 || length > config.MaxPositions)
            {
                throw new ArgumentException(
                    $"Sequence {s - 1} has {length} tokens; there must be 1 to {config.MaxPositions}, the longest context of this model."
                );
            }
        }

        Ids(config, tokens, "token");
    }

    public static void Targets(
        TransformerConfig config,
        int tokens,
        ReadOnlySpan<int> positions,
        ReadOnlySpan<int> targets,
        int results,
        int entropies
    )
    {
        if (
            positions.IsEmpty
            || positions.Length != targets.Length
            || results != positions.Length
            || (entropies != 0 && entropies != positions.Length)
        )
        {
            throw new ArgumentException(
                $"Positions, targets and log-probabilities must be equally many and at least one, and entropies as many or none, but they "
                    + $"are {positions.Length}, {targets.Length}, {results} and {entropies}."
            );
        }

        Ids(config, targets, "target");
        Positions(tokens, positions);
    }

    public static void Positions(int tokens, ReadOnlySpan<int> positions)
    {
        foreach (var position in positions)
        {
            if ((uint)position >= (uint)tokens)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(positions),
                    position,
                    $"Position {position} is not among the {tokens} tokens."
                );
            }
        }
    }

    public static void Ids(TransformerConfig config, ReadOnlySpan<int> ids, string what)
    {
        foreach (var id in ids)
        {
            if ((uint)id >= (uint)config.VocabularySize)
            {
                throw new ArgumentOutOfRangeException(nameof(ids), id, OutOfVocabulary(what, id, config.VocabularySize));
            }
        }
    }

    public static string OutOfVocabulary(string what, int id, int size) =>
        $"The {what} {id} is not in the vocabulary of {size}. Is it the tokenizer of this model?";

    private static string Brief(ReadOnlySpan<int> values) =>
        string.Join(", ", values[..Math.Min(values.Length, 8)].ToArray()) + (values.Length > 8 ? ", …" : "");
}
