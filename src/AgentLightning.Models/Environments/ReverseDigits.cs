using System.Globalization;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Environments;

/// <summary>
/// A task to try learning on: say four digits backwards, each raised by a shift modulo ten. A token is a digit, or the sign that ends the
/// question. The reward is the share of right digits; nobody shows a right answer.
/// </summary>
/// <param name="shift">0…9; 0 by default.</param>
public sealed class ReverseDigits(int shift = 0) : IEnvironment
{
    /// <summary>Digits of a question, and tokens of an answer.</summary>
    public const int Length = 4;

    private const int All = 10_000,
        Ask = 10;

    /// <summary>A model that is large enough: 14 thousand weights.</summary>
    public static TransformerConfig Config { get; } =
        new()
        {
            Family = TransformerFamily.Gpt2,
            VocabularySize = 11,
            Width = 32,
            Layers = 1,
            Heads = 2,
            KeyValueHeads = 2,
            HeadWidth = 16,
            InnerWidth = 128,
            MaxPositions = (2 * Length) + 1,
            QueryKeyValueBias = true,
            AttentionOutputBias = true,
            FeedForwardBias = true,
            TiedEmbeddings = true,
        };

    /// <summary>One of 101 thousand weights: an adapter on it can learn another shift, for which the small one often has no room.</summary>
    public static TransformerConfig LargerConfig { get; } =
        Config with
        {
            Width = 64,
            Layers = 2,
            Heads = 4,
            KeyValueHeads = 4,
            InnerWidth = 256,
        };

    /// <summary>All ten thousand questions in an order that the seed fixes, some of them held out.</summary>
    public static (IReadOnlyList<RolloutTask> Tasks, IReadOnlyList<RolloutTask> HeldOut) Tasks(long seed, int heldOut = 500)
    {
        int[] numbers = [.. Enumerable.Range(0, All)];
        new SeededRandom(seed, 4).Shuffle<int>(numbers);
        RolloutTask[] tasks = Array.ConvertAll(numbers, number => new RolloutTask(
            number.ToString("D4", CultureInfo.InvariantCulture),
            [number / 1000, number / 100 % 10, number / 10 % 10, number % 10, Ask]
        ));
        return (tasks[heldOut..], tasks[..heldOut]);
    }

    /// <inheritdoc/>
    public ValueTask<Turn> StepAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        var right = attempt.LastTurn.Where((digit, i) => i < Length && digit == (attempt.Task.Prompt[Length - 1 - i] + shift) % 10).Count();
        return ValueTask.FromResult(Turn.Last(right / (double)Length));
    }
}
