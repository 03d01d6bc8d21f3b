using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Models.Tokenizers.Training;

namespace AgentLightning.Models.Tests;

/// <summary>A small tokenizer, and random models over its vocabulary that say something different at every token.</summary>
internal static class TinyLanguage
{
    private static readonly TrainedTokenizer s_trained = BpeTrainer.Train(
        ["the cat sat on the mat and the dog sat on the log", "a reader reads what a writer writes, naïve or not: 12 lines, 34 words"],
        new BpeTrainerOptions { VocabularySize = 300 }
    );

    public static Tokenizer Tokenizer { get; } = s_trained.Create();

    public static Transformer Model(TransformerFamily family = TransformerFamily.Llama, int context = 256)
    {
        var model = Transformer.Create(
            TinyModels.Config(family, tied: true) with
            {
                VocabularySize = Tokenizer.VocabularySize,
                MaxPositions = context,
            },
            7
        );
        var random = new SeededRandom(11);
        foreach (var parameter in model.Parameters.Where(parameter => !parameter.IsVector))
        {
            var values = new float[parameter.Count];
            foreach (ref var value in values.AsSpan())
            {
                value = 0.3f * random.NextNormal();
            }

            parameter.Write(0, values);
        }

        return model;
    }

    /// <summary>A folder as Hugging Face libraries make it.</summary>
    public static async Task SaveAsync(string folder, TransformerFamily family = TransformerFamily.Llama)
    {
        using var model = Model(family);
        await HuggingFaceFolder.SaveAsync(model, folder);
        s_trained.Save(folder);
    }
}
