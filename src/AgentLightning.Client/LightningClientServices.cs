using AgentLightning.Client.Chat;
using AgentLightning.Client.Delivery;
using AgentLightning.Client.Export;
using AgentLightning.Client.Telemetry;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Client;

/// <summary>Puts capture into an application.</summary>
public static class LightningClientServices
{
    /// <summary>
    /// Registers a <see cref="LightningClient"/> and an <see cref="AgentTracker"/> for the agent of the options. The environment is read
    /// first, then <paramref name="configure"/> is asked; wrong values of both are told together, here.
    /// </summary>
    /// <exception cref="Common.LightningException">A value is wrong.</exception>
    public static IServiceCollection AddLightning(this IServiceCollection services, Action<LightningClientOptions>? configure = null) =>
        services.AddLightning(configure, null, null);

    /// <summary>
    /// Sends the spans of the known GenAI sources too: Microsoft.Extensions.AI, Microsoft Agent Framework, Semantic Kernel, the OpenAI
    /// library and Azure's. Their switches are turned on unless the application set them itself; call it before these libraries are first
    /// used.
    /// </summary>
    /// <param name="content">Whether messages are wanted in the spans; libraries leave them out unless told.</param>
    /// <param name="sources">Further sources; a name that ends with <c>*</c> stands for all that begin so.</param>
    /// <remarks>
    /// Where a client of the same library is captured by <c>UseLightning</c> too, a call is there twice: as an episode and as a trace.
    /// </remarks>
    public static IServiceCollection AddLightningTelemetry(this IServiceCollection services, bool content = false, params string[] sources)
    {
        LightningSources.Switch(content);
        LightningSources.Add(sources);
        services.AddSingleton(new WantedSources([.. LightningSources.Known, .. sources]));
        return services;
    }

    /// <summary>Captures every call of a chat client as an episode.</summary>
    /// <param name="agentId">Whose work it is; <see cref="LightningClientOptions.AgentId"/> when null.</param>
    public static IChatClient UseLightning(this IChatClient client, LightningClient lightning, string? agentId = null) =>
        new CapturingChatClient(
            client,
            lightning,
            agentId is null ? lightning.Options.AgentId : Common.Ids.Check(agentId, nameof(agentId))
        );

    /// <summary>The same with the client of <see cref="AddLightning(IServiceCollection, Action{LightningClientOptions}?)"/>.</summary>
    public static IChatClient UseLightning(this IChatClient client, IServiceProvider services, string? agentId = null) =>
        client.UseLightning(services.GetRequiredService<LightningClient>(), agentId);

    /// <summary>
    /// Captures every run of an agent of Microsoft Agent Framework as one episode, with the calls of models and tools in it. Calls of a
    /// chat client inside that is captured too make no episode of their own. In a builder:
    /// <c>.Use(agent => agent.UseLightning(lightning))</c>.
    /// </summary>
    /// <param name="agentId">Whose work it is; <see cref="LightningClientOptions.AgentId"/> when null.</param>
    public static AIAgent UseLightning(this AIAgent agent, LightningClient lightning, string? agentId = null) =>
        new CapturingAgent(agent, lightning, agentId is null ? lightning.Options.AgentId : Common.Ids.Check(agentId, nameof(agentId)));

    /// <summary>The same with the client of <see cref="AddLightning(IServiceCollection, Action{LightningClientOptions}?)"/>.</summary>
    public static AIAgent UseLightning(this AIAgent agent, IServiceProvider services, string? agentId = null) =>
        agent.UseLightning(services.GetRequiredService<LightningClient>(), agentId);

    /// <summary>Captures calls of an embedding generator, where <see cref="LightningClientOptions.CaptureEmbeddings"/> is on.</summary>
    public static IEmbeddingGenerator<string, Embedding<float>> UseLightning(
        this IEmbeddingGenerator<string, Embedding<float>> generator,
        LightningClient lightning,
        string? agentId = null
    ) =>
        new CapturingEmbeddingGenerator(
            generator,
            lightning,
            agentId is null ? lightning.Options.AgentId : Common.Ids.Check(agentId, nameof(agentId))
        );

    /// <summary>Captures the calls of every <see cref="IChatClient"/> that is registered so far, keyed ones too.</summary>
    /// <exception cref="InvalidOperationException">None is registered.</exception>
    public static IServiceCollection UseLightning(this IServiceCollection services, string? agentId = null)
    {
        var found = false;
        for (var i = 0; i < services.Count; i++)
        {
            if (services[i] is { } descriptor && descriptor.ServiceType == typeof(IChatClient))
            {
                services[i] = Decorated(descriptor, agentId);
                found = true;
            }
        }

        return found
            ? services
            : throw new InvalidOperationException("There is no IChatClient to capture. Register it before UseLightning is called.");
    }

    internal static IServiceCollection AddLightning(
        this IServiceCollection services,
        Action<LightningClientOptions>? configure,
        Func<IServiceProvider, ICaptureSink>? sink,
        Func<IServiceProvider, IReleaseSource>? releases
    )
    {
        var (options, problems) = LightningEnvironment.Read(Environment.GetEnvironmentVariable);
        configure?.Invoke(options);
        options.Validate(problems);
        services.TryAddSingleton(provider =>
        {
            var client = new LightningClient(
                options,
                sink?.Invoke(provider),
                releases?.Invoke(provider),
                provider.GetService<TimeProvider>(),
                provider.GetService<ILogger<LightningClient>>()
            );
            client.Listener?.Add(provider.GetServices<WantedSources>().SelectMany(wanted => wanted.Names));
            return client;
        });
        services.TryAddSingleton(provider => new AgentTracker(provider.GetRequiredService<LightningClient>(), options.AgentId));
        return services;
    }

    private static ServiceDescriptor Decorated(ServiceDescriptor descriptor, string? agentId)
    {
        return descriptor.IsKeyedService
            ? ServiceDescriptor.DescribeKeyed(
                typeof(IChatClient),
                descriptor.ServiceKey,
                (provider, key) => Wrap(provider, Keyed(provider, key)),
                descriptor.Lifetime
            )
            : ServiceDescriptor.Describe(typeof(IChatClient), provider => Wrap(provider, Plain(provider)), descriptor.Lifetime);

        object Wrap(IServiceProvider provider, object inner) => ((IChatClient)inner).UseLightning(provider, agentId);
        object Plain(IServiceProvider provider) =>
            descriptor.ImplementationInstance
            ?? descriptor.ImplementationFactory?.Invoke(provider)
            ?? ActivatorUtilities.CreateInstance(provider, descriptor.ImplementationType!);
        object Keyed(IServiceProvider provider, object? key) =>
            descriptor.KeyedImplementationInstance
            ?? descriptor.KeyedImplementationFactory?.Invoke(provider, key)
            ?? ActivatorUtilities.CreateInstance(provider, descriptor.KeyedImplementationType!);
    }

    /// <summary>Sources that <see cref="AddLightningTelemetry"/> asked for.</summary>
    private sealed record WantedSources(IReadOnlyList<string> Names);
}
