using System.Text;
using AgentLightning.Common;

namespace AgentLightning.Cli.Input;

/// <summary>Text files as they were written: what cannot be read as text is refused with its place, not replaced.</summary>
internal static class TextFile
{
    /// <summary>What to do about a file that is not UTF-8.</summary>
    public const string AdviceOnEncoding =
        SaveAsUtf8 + " A labelled CSV file can be read as it is with --encoding, windows-1252 for most that Excel wrote.";

    public const string SaveAsUtf8 = "Save the file as UTF-8.";

    /// <summary>Opens a text file.</summary>
    /// <param name="encoding">Its name, such as windows-1252. Null is UTF-8, or UTF-16 where the file begins by saying so.</param>
    public static StreamReader Open(string path, string? encoding = null)
    {
        var chosen = encoding is null ? null : Named(encoding);
        var file = File.OpenRead(path);
        try
        {
            Span<byte> start = stackalloc byte[2];
            var marked = file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && (start is [0xFE, 0xFF] or [0xFF, 0xFE]);
            file.Position = 0;
            return chosen is null or { CodePage: 65001 } && !marked
                ? new StreamReader(new StrictUtf8Stream(file, path), Encoding.UTF8)
                : new StreamReader(file, chosen ?? Named("utf-16"), detectEncodingFromByteOrderMarks: chosen is null);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The lines of a text file, read as they are asked for.</summary>
    public static IEnumerable<string> ReadLines(string path)
    {
        using var reader = Open(path);
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    public static string ReadAllText(string path)
    {
        using var reader = Open(path);
        return reader.ReadToEnd();
    }

    /// <summary>Checks a file that is read elsewhere.</summary>
    public static void Check(string path)
    {
        using var reader = Open(path);
        var buffer = new char[16 * 1024];
        while (reader.Read(buffer, 0, buffer.Length) > 0) { }
    }

    private static Encoding Named(string name)
    {
        // Windows-1252 and its like are not there before.
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        try
        {
            return Encoding.GetEncoding(name, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);
        }
        catch (ArgumentException)
        {
            throw LightningException.Invalid(
                $"--encoding must be the name of an encoding, such as utf-8, utf-16, windows-1252 or iso-8859-1, but it is '{name}'."
            );
        }
    }
}
