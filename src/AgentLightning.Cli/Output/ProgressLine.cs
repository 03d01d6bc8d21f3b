using System.Globalization;

namespace AgentLightning.Cli.Output;

/// <summary>Tells how far long work is, on one line of a terminal that is written over; nothing where there is no terminal.</summary>
internal sealed class ProgressLine(string what) : IProgress<long>
{
    public void Report(long value)
    {
        if (!Console.IsErrorRedirected)
        {
            Console.Error.Write(string.Create(CultureInfo.InvariantCulture, $"\r{value:N0} {what}"));
        }
    }
}
