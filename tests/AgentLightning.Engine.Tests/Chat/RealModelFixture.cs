using AgentLightning.Cli.Tests.Support;
using AgentLightning.Models.Architectures;
using AgentLightning.Testing;

namespace AgentLightning.Engine.Tests;

/// <summary>
/// The models of the real-inference tests: a small GPT-2 made here, once, and the folder that <c>LIGHTNING_TEST_MODEL</c> names.
/// </summary>
public sealed class RealModelFixture : IAsyncLifetime
{
    public const string Tiny = "tiny gpt2",
        Variable = "LIGHTNING_TEST_MODEL";
    private readonly TemporaryFolder _folder = new();

    public static string? Given => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder ? folder : null;

    /// <summary>Names of the models that are there.</summary>
    public static TheoryData<string> Models => Given is null ? [Tiny] : [Tiny, Given];

    public string FolderOf(string model) => model == Tiny ? _folder.File("tiny-gpt2") : model;

    public async ValueTask InitializeAsync() =>
        await LanguageModelFolder.CreateAsync(
            FolderOf(Tiny),
            ["Please say 'Hello world' and 5 words about yourself.", "You are a helpful assistant. What is my name? My name is Ada."],
            context: 1024,
            family: TransformerFamily.Gpt2
        );

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
