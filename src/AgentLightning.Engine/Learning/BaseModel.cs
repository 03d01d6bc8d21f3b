using AgentLightning.Common;
using AgentLightning.Engine.Backends;
using AgentLightning.Engine.Tuned;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Training;

namespace AgentLightning.Engine.Learning;

/// <summary>The model that a run begins with, on this machine's disk; it stays there until this is disposed.</summary>
internal sealed class BaseModel : IDisposable
{
    private readonly TunedUse? _use;

    private BaseModel(string name, string folder, TunedUse? use) => (Name, Folder, _use) = (name, folder, use);

    /// <summary>The name of the model that was first.</summary>
    public string Name { get; }

    /// <summary>Folder of its weights and tokenizer.</summary>
    public string Folder { get; }

    /// <summary>Folder of the adapter that an earlier run made; null where it made none.</summary>
    public string? Adapter => _use is { Files.Base: not null } ? _use.Files.Folder : null;

    /// <summary>Whether its weights are those of an earlier run, which no folder of models holds.</summary>
    public bool IsTuned => _use is { Files.Base: null };

    /// <summary>The hash of the model that was first.</summary>
    public string Sha256 => _use?.Files.Manifest.BaseSha256 ?? ModelHash.Of(Folder);

    public Tokenizer LoadTokenizer() => LanguageModel.LoadTokenizer(Folder);

    /// <exception cref="LightningException">It is not here.</exception>
    public static async Task<BaseModel> OpenAsync(
        string name,
        TrainingRun? baseRun,
        ModelCatalog catalog,
        TunedModels tuned,
        CancellationToken cancellationToken
    )
    {
        if (baseRun is null)
        {
            return new BaseModel(catalog.NameOf(name), catalog.Find(name), null);
        }

        var use = await tuned.UseAsync(name, baseRun.Artifact!, cancellationToken).ConfigureAwait(false);
        return new BaseModel(use.Files.Manifest.BaseModel, use.Files.Base ?? use.Files.Folder, use);
    }

    /// <summary>About the bytes that a run takes.</summary>
    /// <param name="draws">Whether fresh answers are drawn.</param>
    public double Estimate(LearningSettings settings, bool draws)
    {
        var config = LanguageModel.Guard(() => HuggingFaceConfig.Read(Path.Combine(Folder, "config.json")));
        var stored = MachineMemory.RequirementsOf(Folder).Vram;
        var length = Math.Min(config.MaxPositions, settings.MaxLength);
        return LearningEstimate.Bytes(
            config,
            KeepsSingles(settings) ? 2.0 * stored : stored,
            new LearningShape(
                settings.Full ? 0 : settings.Rank,
                settings.TokensAtOnce,
                length,
                draws ? Math.Min(settings.BatchSize * settings.Attempts, 256) : 0,
                settings.Full && draws && settings.Beta > 0,
                settings.LowMemory
            )
        );
    }

    /// <summary>What learns, and what another adapter is added to, is kept in single precision.</summary>
    public bool KeepsSingles(LearningSettings settings) => settings.Full || Adapter is not null || IsTuned;

    public void Dispose() => _use?.Dispose();
}
