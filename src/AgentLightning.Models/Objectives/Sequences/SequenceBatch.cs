namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>
/// What is known of the tokens that some sequences learn from, one sequence after the other. Tokens that are only read (prompts,
/// observations) are not in it, so there is no mask and no padding. Spans that an objective does not ask for may be empty.
/// </summary>
public readonly ref struct SequenceBatch
{
    /// <summary>[sequences + 1]: the first token of each, and the number of all tokens.</summary>
    public required ReadOnlySpan<int> Starts { get; init; }

    /// <summary>ln π(token), of the policy as it is now, per token.</summary>
    public required ReadOnlySpan<float> LogProbabilities { get; init; }

    /// <summary>ln μ(token), of the policy that drew it, per token.</summary>
    public ReadOnlySpan<float> OldLogProbabilities { get; init; }

    /// <summary>ln ρ(token), of the policy that is not to be left behind, per token.</summary>
    public ReadOnlySpan<float> ReferenceLogProbabilities { get; init; }

    /// <summary>Entropy of the distribution that each token was drawn from, in nats.</summary>
    public ReadOnlySpan<float> Entropies { get; init; }

    /// <summary>How much better than expected each token was, or, learning by example, how much it counts.</summary>
    public ReadOnlySpan<float> Advantages { get; init; }

    /// <summary>What is expected to come, as estimated now, per token.</summary>
    public ReadOnlySpan<float> Values { get; init; }

    /// <summary>The same when the tokens were drawn.</summary>
    public ReadOnlySpan<float> OldValues { get; init; }

    /// <summary>What did come, per token.</summary>
    public ReadOnlySpan<float> Returns { get; init; }

    /// <summary>Sequences in it.</summary>
    public int Sequences => Starts.Length - 1;

    /// <summary>Tokens in it.</summary>
    public int Tokens => LogProbabilities.Length;

    /// <summary>Checks that all that <paramref name="needs"/> names is there for each token.</summary>
    internal void Check(SequenceNeeds needs)
    {
        if (Starts.IsEmpty || Starts[0] != 0 || Starts[^1] != Tokens)
        {
            throw new ArgumentException(
                $"The starts of sequences must go from 0 to the number of tokens, {Tokens}, but they are {Starts.Length}, from "
                    + $"{(Starts.IsEmpty ? 0 : Starts[0])} to {(Starts.IsEmpty ? 0 : Starts[^1])}."
            );
        }

        if (needs.HasFlag(SequenceNeeds.Pairs) && Sequences % 2 != 0)
        {
            throw new ArgumentException($"This objective compares sequences two by two, but there are {Sequences}.");
        }

        var asked = needs;
        var tokens = Tokens;
        Need(SequenceNeeds.Old, OldLogProbabilities.Length, "log-probabilities of the policy that drew");
        Need(SequenceNeeds.Reference, ReferenceLogProbabilities.Length, "log-probabilities of the reference");
        Need(SequenceNeeds.Advantages, Advantages.Length, "advantages");
        Need(SequenceNeeds.Entropies, Entropies.Length, "entropies");
        Need(SequenceNeeds.Values, Math.Min(Values.Length, Math.Min(OldValues.Length, Returns.Length)), "values, old values and returns");

        void Need(SequenceNeeds need, int count, string what)
        {
            if (asked.HasFlag(need) && count != tokens)
            {
                throw new ArgumentException($"This objective needs {what} for each of {tokens} tokens, but there are {count}.");
            }
        }
    }
}
