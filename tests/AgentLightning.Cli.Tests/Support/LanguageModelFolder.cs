using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Tokenizers.Training;

namespace AgentLightning.Cli.Tests.Support;

/// <summary>A small language model as a Hugging Face folder: a tokenizer learned from texts, and random weights.</summary>
internal static class LanguageModelFolder
{
    public static async Task CreateAsync(
        string folder,
        IEnumerable<string> texts,
        int vocabulary = 320,
        int width = 32,
        int context = 128,
        TransformerFamily family = TransformerFamily.Llama
    )
    {
        var isGpt2 = family == TransformerFamily.Gpt2;
        var trained = BpeTrainer.Train(texts, new BpeTrainerOptions { VocabularySize = vocabulary });
        using var model = Transformer.Create(
            new TransformerConfig
            {
                Family = family,
                VocabularySize = trained.Create().VocabularySize,
                Width = width,
                Layers = 2,
                Heads = 4,
                KeyValueHeads = isGpt2 ? 4 : 2,
                HeadWidth = width / 4,
                InnerWidth = 3 * width,
                MaxPositions = context,
                TiedEmbeddings = true,
                QueryKeyValueBias = isGpt2,
                AttentionOutputBias = isGpt2,
                FeedForwardBias = isGpt2,
            },
            seed: 3
        );
        await HuggingFaceFolder.SaveAsync(model, folder);
        trained.Save(folder);
    }
}
