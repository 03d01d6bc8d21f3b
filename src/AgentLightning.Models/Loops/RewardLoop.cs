using AgentLightning.Models.Architectures;
using AgentLightning.Models.Objectives;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops;

/// <summary>Tells how good fresh answers are: the reward of each, −1…1, in their order; never the right answer.</summary>
/// <param name="round">Counts from 0.</param>
public delegate Task<IReadOnlyList<float>> JudgeAnswers(int round, IReadOnlyList<Sample> answers, CancellationToken cancellationToken);

/// <summary>
/// Learning from rewards only. A round: the policy answers every text once, drawn from its own probabilities; the answers are judged;
/// all answers so far, logged ones included, are learned from several times.
/// After the last round a longer pass lets the learning rate fall to 0.
/// </summary>
public static class RewardLoop
{
    /// <summary>
    /// Trains in place and returns every answer that was learned from. <paramref name="logged"/> are answers given before, with their
    /// probabilities and rewards; without a <paramref name="judge"/> they are all there is. Rewards that are missing, out of range or not
    /// numbers are an <see cref="InvalidDataException"/>.
    /// </summary>
    public static async Task<IReadOnlyList<Sample>> TrainAsync(
        TextClassifier model,
        EncodedTexts texts,
        IReadOnlyList<Sample> logged,
        JudgeAnswers? judge,
        RewardLoopOptions options,
        long seed,
        Action<LoopProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        options.Validate();
        if (judge is null && logged.Count == 0)
        {
            throw new ArgumentException(
                "There is nothing to learn from: no logged answers, and nobody to judge fresh ones.",
                nameof(logged)
            );
        }

        var trainer = new ClassifierTrainer(model, texts, options.Training);
        var answers = new List<Sample>(logged);
        var rounds = judge is null ? 1 : options.Rounds;
        var (epoch, seen) = (0, 0L);
        for (var round = 0; round < rounds; round++)
        {
            float? reward = null;
            if (judge is not null)
            {
                // Logged answers come first: the policy then asks with what they have taught it.
                if (round == 0 && logged.Count > 0)
                {
                    Learn(options.EpochsPerRound, decay: false);
                }

                var fresh = Draw(model, texts, new SeededRandom(seed, round, 1));
                var rewards = Checked(await judge(round, fresh, cancellationToken).ConfigureAwait(false), fresh.Count);
                answers.AddRange(fresh.Select((answer, i) => answer with { Reward = rewards[i] }));
                reward = rewards.Average();
            }

            var last = round == rounds - 1;
            var loss = Learn(last ? options.Training.Epochs : options.EpochsPerRound, decay: last);
            progress?.Invoke(new LoopProgress(round + 1, rounds, loss, reward, seen));
        }

        return answers;

        float Learn(int epochs, bool decay)
        {
            var loss = 0f;
            var order = answers.ToArray();
            var rate = options.Training.LearningRate;
            for (var e = 0; e < epochs; e++)
            {
                new SeededRandom(seed, epoch++, 2).Shuffle<Sample>(order);
                loss = decay
                    ? trainer.TrainEpoch(
                        order,
                        options.Objective,
                        rate * (1 - ((float)e / epochs)),
                        rate * (1 - ((e + 1f) / epochs)),
                        cancellationToken
                    )
                    : trainer.TrainEpoch(order, options.Objective, rate, rate, cancellationToken);
                seen += order.Length;
            }

            return loss;
        }
    }

    private static IReadOnlyList<float> Checked(IReadOnlyList<float> rewards, int answers)
    {
        if (rewards.Count != answers)
        {
            throw new InvalidDataException($"There must be one reward for each of {answers} answers, but there are {rewards.Count}.");
        }

        return rewards.All(reward => reward is >= -1 and <= 1)
            ? rewards
            : throw new InvalidDataException(
                $"A reward must be a number from -1 to 1, but one is {rewards.First(reward => reward is not (>= -1 and <= 1))}."
            );
    }

    private static List<Sample> Draw(TextClassifier model, EncodedTexts texts, SeededRandom random)
    {
        var answers = new List<Sample>(texts.Count);
        var logProbabilities = new float[model.Labels.Count];
        for (var text = 0; text < texts.Count; text++)
        {
            model.Predict(texts, text, logProbabilities);
            var action = random.Sample(logProbabilities);
            answers.Add(new Sample(text, action, 0, logProbabilities[action]));
        }

        return answers;
    }
}
