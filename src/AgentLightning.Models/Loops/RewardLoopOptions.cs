using AgentLightning.Models.Objectives;

namespace AgentLightning.Models.Loops;

/// <summary>How a classifier learns from rewards.</summary>
public sealed record RewardLoopOptions
{
    /// <summary>
    /// Rounds of fresh answers to every text, 1…100; 8 by default. Without anybody to judge fresh answers there is one round, on the logged
    /// ones.
    /// </summary>
    public int Rounds { get; init; } = 8;

    /// <summary>Times through all answers so far after each round but the last, 1…100; 2 by default.</summary>
    public int EpochsPerRound { get; init; } = 2;

    /// <summary>The last time through all answers; <see cref="ClassifierTrainingOptions.Epochs"/> of it count.</summary>
    public ClassifierTrainingOptions Training { get; init; } = new() { Epochs = 8 };

    /// <summary>What is learned from an answer and its reward; <see cref="RewardLikelihood"/> by default.</summary>
    public IObjective Objective { get; init; } = new RewardLikelihood();

    internal void Validate()
    {
        if (Rounds is < 1 or > 100)
        {
            throw new ArgumentOutOfRangeException(nameof(Rounds), Rounds, $"Rounds must be from 1 to 100, but it is {Rounds}.");
        }

        if (EpochsPerRound is < 1 or > 100)
        {
            throw new ArgumentOutOfRangeException(
                nameof(EpochsPerRound),
                EpochsPerRound,
                $"EpochsPerRound must be from 1 to 100, but it is {EpochsPerRound}."
            );
        }

        Training.Validate();
    }
}
