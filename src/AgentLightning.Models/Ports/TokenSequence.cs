namespace AgentLightning.Models.Ports;

/// <summary>
/// A sequence to learn from, and what is known of each token in it that was drawn. All arrays but the tokens have one number per drawn
/// token, or none.
/// </summary>
public sealed record TokenSequence
{
    /// <summary>All of it: prompt, drawn tokens, observations.</summary>
    public required int[] Tokens { get; init; }

    /// <summary>Indexes of the drawn tokens, rising, from 1.</summary>
    public required int[] Drawn { get; init; }

    /// <summary>ln p when they were drawn.</summary>
    public float[] Old { get; init; } = [];

    /// <summary>ln p under the reference.</summary>
    public float[] Reference { get; init; } = [];

    /// <summary>How much better than expected each was; learning by example, how much it counts.</summary>
    public float[] Advantages { get; init; } = [];

    /// <summary>What was expected to come, when they were drawn.</summary>
    public float[] Values { get; init; } = [];

    /// <summary>What did come.</summary>
    public float[] Returns { get; init; } = [];

    /// <summary>Whether it is compared with the one before it.</summary>
    public bool IsSecond { get; init; }

    /// <summary>What is wrong with it, or null.</summary>
    internal string? Mistake()
    {
        if (
            Drawn.Length == 0
            || Drawn[0] < 1
            || Drawn[^1] >= Tokens.Length
            || Drawn.Zip(Drawn.Skip(1)).Any(pair => pair.First >= pair.Second)
        )
        {
            return $"The drawn tokens of a sequence must be at rising places from 1 to {Tokens.Length - 1}, and at least one, but there "
                + $"are {Drawn.Length}, from {Drawn.FirstOrDefault()} to {Drawn.LastOrDefault()}.";
        }

        foreach (
            var (numbers, what) in ((float[], string)[])
                [
                    (Old, "log-probabilities"),
                    (Reference, "log-probabilities of the reference"),
                    (Advantages, "advantages"),
                    (Values, "values"),
                    (Returns, "returns"),
                ]
        )
        {
            if (numbers.Length != 0 && numbers.Length != Drawn.Length)
            {
                return $"A sequence has {Drawn.Length} drawn tokens and {numbers.Length} {what}; they must be equally many.";
            }

            if (Array.Find(numbers, number => !float.IsFinite(number)) is var bad && !float.IsFinite(bad))
            {
                return $"The {what} of a sequence hold {bad}; all must be finite.";
            }
        }

        return null;
    }
}
