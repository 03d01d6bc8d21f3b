namespace AgentLightning.Models.Ports.Tinker;

/// <summary>
/// Sequences as the wire has them: what is read is all but the last token, targets are all but the first, and the other rows have a number
/// for each target. Tokens that were only read count nothing.
/// </summary>
public static class TinkerData
{
    private const string Targets = "target_tokens",
        LogProbabilities = "logprobs",
        Advantages = "advantages",
        Weights = "weights";

    /// <param name="scale">What advantages are multiplied by.</param>
    internal static Datum Of(TokenSequence sequence, string loss, double scale)
    {
        var inputs = new Dictionary<string, TensorData>(StringComparer.Ordinal)
        {
            [Targets] = new([.. sequence.Tokens.Skip(1).Select(token => (double)token)], TensorData.Whole),
        };
        var counts = sequence.Advantages.Length == 0 ? Enumerable.Repeat(1f, sequence.Drawn.Length) : sequence.Advantages;
        inputs[loss == TinkerLoss.CrossEntropy ? Weights : Advantages] = Spread(
            sequence,
            [.. counts.Select(count => (float)(scale * count))]
        );
        if (loss != TinkerLoss.CrossEntropy)
        {
            inputs[LogProbabilities] = Spread(sequence, sequence.Old);
        }

        return new Datum(new ModelInput([new InputChunk(sequence.Tokens[..^1])]), inputs);
    }

    /// <summary>The log-probabilities of the drawn tokens out of those of all targets.</summary>
    /// <exception cref="InvalidDataException">There is not one for each target.</exception>
    internal static float[] Drawn(TokenSequence sequence, IReadOnlyDictionary<string, TensorData> output) =>
        output.GetValueOrDefault(LogProbabilities)?.Data is { } all && all.Length == sequence.Tokens.Length - 1
            ? Array.ConvertAll(sequence.Drawn, at => (float)all[at - 1])
            : throw new InvalidDataException(
                $"The server should tell {sequence.Tokens.Length - 1} log-probabilities of a sequence, but it told "
                    + $"{output.GetValueOrDefault(LogProbabilities)?.Data.Length ?? 0}."
            );

    /// <summary>What a request says of a sequence. All targets are taken for drawn; what only was read counts 0.</summary>
    /// <exception cref="ArgumentException">Rows disagree, or a number is not what it should be.</exception>
    public static TokenSequence Sequence(Datum datum, string loss)
    {
        var read = Tokens(datum.ModelInput);
        var targets = Whole(Row(datum, Targets, read.Length));
        if (read.Length == 0)
        {
            throw new ArgumentException("A sequence has no tokens; there must be at least 1.");
        }

        for (var i = 1; i < read.Length; i++)
        {
            if (targets[i - 1] != read[i])
            {
                throw new ArgumentException(
                    $"Target {i - 1} is {targets[i - 1]}, but the token that is read after it is {read[i]}. Targets must be the tokens "
                        + $"that are read, one place on."
                );
            }
        }

        var exact = loss == TinkerLoss.CrossEntropy;
        return new TokenSequence
        {
            Tokens = [.. read, targets[^1]],
            Drawn = [.. Enumerable.Range(1, read.Length)],
            Old = exact ? [] : Singles(Row(datum, LogProbabilities, read.Length), LogProbabilities),
            Advantages =
                !exact ? Singles(Row(datum, Advantages, read.Length), Advantages)
                : datum.LossFnInputs.ContainsKey(Weights) ? Singles(Row(datum, Weights, read.Length), Weights)
                : [.. Enumerable.Repeat(1f, read.Length)],
        };
    }

    /// <summary>The tokens of all chunks.</summary>
    public static int[] Tokens(ModelInput input) =>
        [
            .. input.Chunks.SelectMany(chunk =>
                chunk.Type == "encoded_text"
                    ? chunk.Tokens
                    : throw new ArgumentException(
                        $"Only chunks of type 'encoded_text' are understood here, but there is one of type "
                            + $"'{TinkerLoss.Brief(chunk.Type)}'."
                    )
            ),
        ];

    /// <summary>A row for all targets out of one for the drawn tokens.</summary>
    public static TensorData Row(float[] numbers) =>
        new(Array.ConvertAll(numbers, number => (double)number), TensorData.Real, [numbers.Length]);

    private static TensorData Spread(TokenSequence sequence, float[] numbers)
    {
        var row = new float[sequence.Tokens.Length - 1];
        for (var i = 0; i < numbers.Length; i++)
        {
            row[sequence.Drawn[i] - 1] = numbers[i];
        }

        return Row(row);
    }

    private static double[] Row(Datum datum, string name, int length) =>
        datum.LossFnInputs.GetValueOrDefault(name) is not { } row
            ? throw new ArgumentException($"A sequence has no '{name}', which this loss needs.")
        : row.Data.Length == length ? row.Data
        : throw new ArgumentException($"A sequence has {length} tokens and {row.Data.Length} '{name}'; they must be equally many.");

    private static int[] Whole(double[] numbers) =>
        Array.ConvertAll(numbers, number =>
            number == Math.Floor(number) && Math.Abs(number) <= int.MaxValue
                ? (int)number
                : throw new ArgumentException(FormattableString.Invariant($"The target {number} is not a token."))
        );

    private static float[] Singles(double[] numbers, string name) =>
        Array.ConvertAll(numbers, number =>
            float.IsFinite((float)number)
                ? (float)number
                : throw new ArgumentException(
                    FormattableString.Invariant($"'{name}' hold {number}; all must be finite in single precision.")
                )
        );
}
