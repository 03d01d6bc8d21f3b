using AgentLightning.Models.Architectures;
using AgentLightning.Models.Objectives;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops;

/// <summary>
/// Learning from labels: cross-entropy on mini-batches in a new random order each epoch, the learning rate falling in a straight line to 0.
/// No early stopping and no validation part: the number of epochs is what keeps it from over-fitting.
/// </summary>
public static class SupervisedLoop
{
    /// <summary>Trains in place. <paramref name="rightLabels"/> holds the index of the right label of each text.</summary>
    public static void Train(
        TextClassifier model,
        EncodedTexts texts,
        IReadOnlyList<int> rightLabels,
        ClassifierTrainingOptions options,
        long seed,
        Action<LoopProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        if (texts.Count != rightLabels.Count || texts.Count == 0)
        {
            throw new ArgumentException(
                $"There must be one label for each text, and at least one, but there are {rightLabels.Count} labels for {texts.Count} "
                    + $"texts.",
                nameof(rightLabels)
            );
        }

        var trainer = new ClassifierTrainer(model, texts, options);
        var objective = new CrossEntropy();
        Sample[] samples = [.. rightLabels.Select((label, text) => new Sample(text, label))];
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            new SeededRandom(seed, epoch).Shuffle<Sample>(samples);
            var (from, to) = Decay(options, epoch);
            var loss = trainer.TrainEpoch(samples, objective, from, to, cancellationToken);
            progress?.Invoke(new LoopProgress(epoch + 1, options.Epochs, loss, null, (epoch + 1L) * samples.Length));
        }

        static (float From, float To) Decay(ClassifierTrainingOptions options, int epoch) =>
            (options.LearningRate * (1 - ((float)epoch / options.Epochs)), options.LearningRate * (1 - ((epoch + 1f) / options.Epochs)));
    }
}
