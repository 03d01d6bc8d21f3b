using AgentLightning.Engine.Chat;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Backends;

/// <summary>What an <see cref="BackendLoader"/> takes from its surroundings.</summary>
public sealed record BackendLoaderOptions
{
    /// <summary>
    /// Makes the client of a model in this process, as <see cref="LocalModels.CreateChatClient(LocalModelOptions, Action)"/> does: what it
    /// is given beside the model throws when the machine cannot hold it, and is called whenever the model is about to be read. Null, the
    /// default, for none.
    /// </summary>
    public Func<LocalModelOptions, Action, IChatClient>? CreateLocal { get; init; }

    /// <summary>Where the search for <c>config.toml</c> begins; the current folder by default.</summary>
    public string Folder { get; init; } = Directory.GetCurrentDirectory();

    /// <summary>Reads environment variables; those of this process by default.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>What the machine can hold.</summary>
    public MachineMemory Memory { get; init; } = new();

    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
