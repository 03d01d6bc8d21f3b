using System.Threading.Channels;
using AgentLightning.Models.Generation;

namespace AgentLightning.Engine.Chat;

/// <summary>An answer on its way from the thread that makes it to whoever reads it.</summary>
internal sealed class RunningRequest(int[] prompt, GenerationOptions options)
{
    private readonly Channel<string> _text = Channel.CreateUnbounded<string>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true }
    );
    private volatile bool _cancelled;

    public int[] Prompt => prompt;

    public GenerationOptions Options => options;

    /// <summary>Set once it is in the batch.</summary>
    public Completion? Completion { get; private set; }

    public bool IsCancelled => _cancelled;

    /// <summary>Parts of the text as they come; ends with the answer, or with the error that ended it.</summary>
    public IAsyncEnumerable<string> ReadAsync(CancellationToken cancellationToken) => _text.Reader.ReadAllAsync(cancellationToken);

    public void Begin(Generator generator)
    {
        Completion = generator.Add(prompt, options, 1, Tell)[0];
        void Tell(GeneratedToken token)
        {
            if (token.Text.Length > 0)
            {
                _text.Writer.TryWrite(token.Text);
            }
        }
    }

    /// <summary>Ends it before the next token; from any thread.</summary>
    public void Cancel() => _cancelled = true;

    public void End(Exception? error = null) => _text.Writer.TryComplete(error);
}
