using System.ClientModel;
using System.ClientModel.Primitives;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;

namespace AgentLightning.Engine.ChatServers;

/// <summary>The library's client of one server, and the connections below it.</summary>
internal sealed class ChatServerConnection : IDisposable
{
    private readonly HttpClient _http;
    private readonly HttpClientPipelineTransport _transport;

    /// <exception cref="Common.LightningException">An option is wrong.</exception>
    public ChatServerConnection(ChatServerOptions options)
    {
        options.Validate();
        // A redirect would take the key and the conversation somewhere else.
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _transport = new HttpClientPipelineTransport(_http);
        var clientOptions = new OpenAIClientOptions
        {
            Endpoint = options.BaseUrl,
            NetworkTimeout = Timeout.InfiniteTimeSpan,
            RetryPolicy = new ClientRetryPolicy(options.Retries),
            Transport = _transport,
            ClientLoggingOptions = new ClientLoggingOptions { EnableLogging = false },
        };
        if (options.ApiKey is null)
        {
            clientOptions.AddPolicy(new NoKeyPolicy(), PipelinePosition.BeforeTransport);
        }

        Chat = new ChatClient(options.Model, new ApiKeyCredential(options.ApiKey ?? "none"), clientOptions).AsIChatClient();
    }

    public IChatClient Chat { get; }

    public void Dispose()
    {
        Chat.Dispose();
        _transport.Dispose();
        _http.Dispose();
    }

    /// <summary>The library always sends a key; a server that asks for none gets none.</summary>
    private sealed class NoKeyPolicy : PipelinePolicy
    {
        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            message.Request.Headers.Remove("Authorization");
            ProcessNext(message, pipeline, currentIndex);
        }

        public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            message.Request.Headers.Remove("Authorization");
            return ProcessNextAsync(message, pipeline, currentIndex);
        }
    }
}
