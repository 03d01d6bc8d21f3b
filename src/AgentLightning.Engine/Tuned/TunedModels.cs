using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Engine.Backends;
using AgentLightning.Engine.Chat;
using AgentLightning.Storage;
using AgentLightning.Training;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Tuned;

/// <summary>
/// Opens tuned language models: adapters on base models of this machine, which share the weights of those, and whole models. Safe for many
/// threads at once.
/// </summary>
public sealed class TunedModels(
    IArtifactStore artifacts,
    ModelCatalog catalog,
    LocalModels models,
    ModelOptions options,
    MachineMemory memory
) : IReleaseChatClients, IDisposable
{
    private readonly Lock _lock = new();

    /// <summary>By artifact; those at the end were used last.</summary>
    private readonly OrderedDictionary<string, Opened> _opened = new(StringComparer.Ordinal);

    /// <summary>A folder of this process alone, made when it is needed.</summary>
    private readonly Lazy<DirectoryInfo> _folder = new(() => Directory.CreateTempSubdirectory("lightning-models-"));
    private bool _disposed;

    /// <summary>Tuned models that are kept now, used or not.</summary>
    public int Kept
    {
        get
        {
            lock (_lock)
            {
                return _opened.Count;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IChatClient> OpenAsync(string tunedModelName, string artifact, CancellationToken cancellationToken)
    {
        var (opened, use) = await EnterAsync(tunedModelName, artifact, cancellationToken).ConfigureAwait(false);
        try
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                // A client that nobody answers with keeps the model in memory between those who open it.
                opened.Keeper ??= CreateClient(use.Files);
                return new TunedChatClient(CreateClient(use.Files), tunedModelName, use);
            }
        }
        catch
        {
            use.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The files of a tuned model, checked, for who needs more of it than a chat client gives; they stay until what is returned is
    /// disposed.
    /// </summary>
    /// <exception cref="LightningException">As for <see cref="OpenAsync"/>.</exception>
    public async Task<TunedUse> UseAsync(string tunedModelName, string artifact, CancellationToken cancellationToken) =>
        (await EnterAsync(tunedModelName, artifact, cancellationToken).ConfigureAwait(false)).Use;

    private async Task<(Opened Opened, TunedUse Use)> EnterAsync(
        string tunedModelName,
        string artifact,
        CancellationToken cancellationToken
    )
    {
        Opened opened;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            opened = _opened.GetValueOrDefault(artifact) ?? new Opened(Task.Run(() => UnpackAsync(tunedModelName, artifact)));
            _opened.Remove(artifact);
            _opened.Add(artifact, opened);
            opened.Users++;
        }

        try
        {
            // Unpacking goes on for the others when one who waits for it gives up.
            var files = await opened.Files.WaitAsync(cancellationToken).ConfigureAwait(false);
            return (opened, new TunedUse(files, () => Return(artifact, opened)));
        }
        catch
        {
            Return(artifact, opened);
            throw;
        }
    }

    /// <remarks>More than once, since it is registered under its contract as well.</remarks>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            foreach (var opened in _opened.Values)
            {
                opened.Keeper?.Dispose();
            }

            _opened.Clear();
        }

        if (_folder.IsValueCreated)
        {
            _folder.Value.Delete(recursive: true);
        }
    }

    private IChatClient CreateClient(TunedFiles files)
    {
        var local = new LocalModelOptions
        {
            Folder = files.Base ?? files.Folder,
            Adapter = files.Base is null ? null : files.Folder,
            ChatTemplate = files.Manifest.ChatTemplate,
        };
        return models.CreateChatClient(local, () => EnsureRoom(local.Folder));
    }

    /// <summary>An adapter on weights that are there takes next to nothing.</summary>
    private void EnsureRoom(string folder)
    {
        if (!models.Holds(folder))
        {
            memory.EnsureRam(MachineMemory.RequirementsOf(folder).Ram);
        }
    }

    private async Task<TunedFiles> UnpackAsync(string name, string artifact)
    {
        var folder = Path.Combine(_folder.Value.FullName, Guid.NewGuid().ToString("N"));
        try
        {
            TunedManifest? manifest;
            var content = await artifacts.OpenAsync(artifact, CancellationToken.None).ConfigureAwait(false);
            await using (content.ConfigureAwait(false))
            {
                manifest = await TunedArchive.ReadAsync(content, folder, CancellationToken.None).ConfigureAwait(false);
            }

            if (manifest is null)
            {
                // Content that was changed is told from content of another kind.
                await artifacts.CheckAsync(artifact, CancellationToken.None).ConfigureAwait(false);
                throw LightningException.Conflict(
                    $"The tuned model '{name}' is no language model, so it cannot chat. A text classifier answers triage; for chat, train "
                        + $"with the method sft, dpo, kto, grpo or ppo."
                );
            }

            return new TunedFiles(folder, manifest, manifest.Kind == TunedKind.Model ? null : BaseOf(name, manifest));
        }
        catch
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }

            throw;
        }
    }

    private string BaseOf(string name, TunedManifest manifest)
    {
        var folder = catalog.TryFind(manifest.BaseModel)
            ?? throw LightningException.Conflict(
                $"The tuned model '{name}' is an adapter of '{manifest.BaseModel}', which is not on this machine. Put that model into the "
                    + $"folder of models (models.folder), or bring it here with 'lightning model pull {manifest.BaseModel}'."
            );
        var seen = ModelHash.Of(folder);
        return seen == manifest.BaseSha256
            ? folder
            : throw LightningException.Conflict(
                $"The tuned model '{name}' is an adapter of '{manifest.BaseModel}' as it was then, with the hash "
                    + $"{manifest.BaseSha256[..12]}…, but {folder} has the hash {seen[..12]}… now. Bring the earlier files back, or train "
                    + $"again."
            );
    }

    private void Return(string artifact, Opened opened)
    {
        List<Opened> leaving = [];
        lock (_lock)
        {
            opened.Users--;
            if (_disposed)
            {
                return;
            }

            if (opened is { Users: 0, Files.IsFaulted: true } && _opened.GetValueOrDefault(artifact) == opened)
            {
                // The next who asks tries again.
                _opened.Remove(artifact);
            }

            var unused = _opened.Where(pair => pair.Value is { Users: 0, Files.IsCompletedSuccessfully: true }).ToList();
            foreach (var (key, value) in unused.Take(Math.Max(0, unused.Count - options.MostLoaded)))
            {
                _opened.Remove(key);
                leaving.Add(value);
            }
        }

        foreach (var gone in leaving)
        {
            gone.Leave();
        }
    }

    private sealed class Opened(Task<TunedFiles> files)
    {
        public Task<TunedFiles> Files => files;

        public IChatClient? Keeper { get; set; }

        public int Users { get; set; }

        public void Leave()
        {
            Keeper?.Dispose();
            Directory.Delete(files.Result.Folder, recursive: true);
        }
    }
}

/// <summary>A tuned model on this machine's disk.</summary>
/// <param name="Folder">Of the adapter, or of the whole model.</param>
/// <param name="Base">Folder of the base model that an adapter needs; null for a whole model.</param>
public sealed record TunedFiles(string Folder, TunedManifest Manifest, string? Base);

/// <summary>The right to use files until it is disposed.</summary>
public sealed class TunedUse : IDisposable
{
    private Action? _giveBack;

    internal TunedUse(TunedFiles files, Action giveBack) => (Files, _giveBack) = (files, giveBack);

    public TunedFiles Files { get; }

    public void Dispose() => Interlocked.Exchange(ref _giveBack, null)?.Invoke();
}
