namespace AgentLightning.Models.Loops;

/// <summary>How a classifier learns from rewards.</summary>
public sealed record RewardLoopOptions
{
    /// <summary>Rounds of fresh answers to every text, 1…100; 8 by default. Without anybody to judge fresh answers there is one round, on the logged ones.</summary>
    public int Rounds { get; init; } = 8;

    /// <summary>Times through all answers so far after each round but the last, 1…100; 4 by default.</summary>
    public int EpochsPerRound { get; init; } = 4;

    /// <summary>The last time through all answers; <see cref="ClassifierTrainingOptions.Epochs"/> of it count.</summary>
    public ClassifierTrainingOptions Training { get; init; } = new() { Epochs = 12 };

    internal void Validate()
    {
        if (Rounds is < 1 or > 100)
        {
            throw new ArgumentOutOfRangeException(nameof(Rounds), Rounds, $"Rounds must be from 1 to 100, but it is {Rounds}.");
        }

        if (EpochsPerRound is < 1 or > 100)
        {
            throw new ArgumentOutOfRangeException(nameof(EpochsPerRound), EpochsPerRound, $"EpochsPerRound must be from 1 to 100, but it is {EpochsPerRound}.");
        }

        Training.Validate();
    }
}
